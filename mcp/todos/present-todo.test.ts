import { expect, test } from 'vitest';
import type { Todo } from '../../shared/todo/todo.ts';
import { describeTodo } from './describe-todo.ts';
import { FIELD_PRESENTATIONS, presentTodo } from './present-todo.ts';

/** A todo in which no field has its usual value. */
const todo: Todo = {
  id: '11111111-1111-4111-8111-111111111111',
  title: 'Book the train',
  description: 'Window seat',
  completed: true,
  completed_at: '2027-01-01T00:00:00.001Z',
  due_at: '2027-01-01T00:00:00.002Z',
  // a todo of the API has only one of the two
  due_on: '2027-01-02',
  priority: 1,
  tags: ['travel'],
  position: 12.5,
  version: 7,
  created_at: '2027-01-01T00:00:00.003Z',
  updated_at: '2027-01-01T00:00:00.004Z',
};

test.each(['concise', 'detailed'] as const)('a %s todo has the fields of its format, with their values', (format) => {
  const fields = Object.entries(FIELD_PRESENTATIONS).filter(
    ([, presentation]) => format === 'detailed' || presentation.format === 'concise',
  );
  const expected = Object.entries(todo).filter(([name]) => fields.some(([field]) => field === name));
  expect(presentTodo(todo, format)).toEqual(Object.fromEntries(expected));
});

test('the table presents every field of a todo', () => {
  expect(Object.keys(FIELD_PRESENTATIONS).sort()).toEqual(Object.keys(todo).sort());
});

test('a concise todo omits the fields that have their usual value', () => {
  const usual = { ...todo, due_at: null, due_on: null, priority: 4, tags: [] };
  expect(JSON.parse(JSON.stringify(presentTodo(usual)))).toEqual({
    id: todo.id,
    title: todo.title,
    completed: true,
    version: 7,
  });
});

test('the text of a todo states each of its fields', () => {
  expect(describeTodo(presentTodo(todo, 'detailed'))).toBe(
    '[x] "Book the train" (due 2027-01-01T00:00:00.002Z; due 2027-01-02; priority 1; tags "travel"; id 11111111-1111-4111-8111-111111111111; version 7; completed 2027-01-01T00:00:00.001Z; position 12.5; created 2027-01-01T00:00:00.003Z; updated 2027-01-01T00:00:00.004Z; description "Window seat")',
  );
  expect(describeTodo(presentTodo(todo))).toBe(
    '[x] "Book the train" (due 2027-01-01T00:00:00.002Z; due 2027-01-02; priority 1; tags "travel"; id 11111111-1111-4111-8111-111111111111; version 7)',
  );
});
