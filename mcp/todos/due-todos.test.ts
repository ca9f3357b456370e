import { expect, test } from 'vitest';
import type { TodoApi } from '../todo-api/todo-api.ts';
import { findDueTodos } from './due-todos.ts';

test('due todos are requested for a day in UTC, and a truncated list is reported', async () => {
  const requested: Record<string, string>[] = [];
  const todos = {
    async list(query: Record<string, string>) {
      requested.push(query);
      return { todos: [], total: undefined, nextCursor: requested.length % 4 === 0 ? 'more' : undefined };
    },
  } satisfies Pick<TodoApi, 'list'>;
  const { signal } = new AbortController();
  const now = new Date('2027-03-01T23:30:00+01:00');
  expect(await findDueTodos(todos, signal, now)).toMatchObject({ date: '2027-03-01', truncated: false });
  expect(requested).toMatchObject([
    { completed: 'false', due_before: '2027-03-01T00:00:00.000Z' },
    { completed: 'false', due_after: '2027-03-01T00:00:00.000Z', due_before: '2027-03-02T00:00:00.000Z' },
  ]);
  expect(await findDueTodos(todos, signal, now)).toMatchObject({ truncated: true });
});
