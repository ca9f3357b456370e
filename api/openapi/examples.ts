import type { BatchResults } from '../../shared/todo/batch.ts';
import type { ChangeFeed } from '../../shared/todo/change-feed.ts';
import { writeJsonLines } from '../../shared/todo/json-lines.ts';
import type { Todo } from '../../shared/todo/todo.ts';

/** A todo that is new. */
export const todo = {
  id: '7d4e2f0a-3c5b-4b8e-9a61-2f0d8c4b7e19',
  title: 'Buy milk',
  description: 'two litres',
  completed: false,
  completed_at: null,
  due_at: '2027-01-31T09:00:00.000Z',
  due_on: null,
  priority: 2,
  tags: ['errand'],
  position: 1795250000000,
  version: 1,
  created_at: '2026-11-21T10:13:20.000Z',
  updated_at: '2026-11-21T10:13:20.000Z',
} satisfies Todo;

export const newTodo = { title: 'Buy milk', due_at: '2027-01-31T10:00:00+01:00', priority: 2, tags: ['errand'] };

export const todoChanges = { completed: true, due_at: null };

export const batch = {
  operations: [
    { op: 'create', todo: { title: 'Bake bread' } },
    { op: 'update', id: todo.id, changes: { completed: true }, version: 1 },
  ],
};

export const changeFeed = {
  changes: [{ change: 'created', id: todo.id, version: todo.version, at: todo.updated_at, todo }],
  next: '1',
} satisfies ChangeFeed;

export const jsonLines = writeJsonLines([{ title: 'Buy milk' }, { title: 'Bake bread', tags: ['kitchen'] }]);

export const batchResults = {
  results: [
    { status: 201, id: todo.id, todo },
    { status: 200, id: todo.id },
  ],
} satisfies BatchResults;

export const rejectedBatch = {
  type: 'about:blank',
  title: 'Unprocessable Entity',
  status: 422,
  code: 'batch_rejected',
  detail: '1 of 2 operations were rejected, so none was executed',
  errors: [{ field: 'operations.1.id', expected: 'the id of one of your todos' }],
  results: [
    {
      status: 424,
      code: 'operation_not_executed',
      detail: 'Not applied because another operation of the batch was rejected',
    },
    { status: 404, code: 'todo_not_found', detail: 'There is no todo with this id' },
  ],
};

export const invalidTodo = {
  type: 'about:blank',
  title: 'Bad Request',
  status: 400,
  code: 'invalid_request',
  detail: 'title: expected a string of at most 500 characters',
  errors: [{ field: 'title', expected: 'a string of at most 500 characters' }],
};
