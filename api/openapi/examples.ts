import type { ChangeFeed } from '../../shared/todo/change-feed.ts';
import type { Todo } from '../../shared/todo/todo.ts';

/** A todo that was just created. */
export const todo = {
  id: '7d4e2f0a-3c5b-4b8e-9a61-2f0d8c4b7e19',
  title: 'Buy milk',
  description: 'two litres',
  completed: false,
  completed_at: null,
  due_at: '2027-01-31T09:00:00.000Z',
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

export const jsonLines = `${JSON.stringify({ title: 'Buy milk' })}\n${JSON.stringify({ title: 'Bake bread', tags: ['kitchen'] })}\n`;

export const invalidTodo = {
  type: 'about:blank',
  title: 'Bad Request',
  status: 400,
  code: 'invalid_request',
  detail: 'title: expected a string of at most 500 characters',
  errors: [{ field: 'title', expected: 'a string of at most 500 characters' }],
};
