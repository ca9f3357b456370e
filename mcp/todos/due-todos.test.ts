import { expect, test } from 'vitest';
import type { TodoApi } from '../todo-api/todo-api.ts';
import { findDueTodos } from './due-todos.ts';

test('due todos are requested for a day in the time zone, and a truncated list is reported', async () => {
  const requested: Record<string, string>[] = [];
  const todos = {
    async list(query: Record<string, string>) {
      requested.push(query);
      return { todos: [], total: undefined, nextCursor: requested.length % 4 === 0 ? 'more' : undefined };
    },
  } satisfies Pick<TodoApi, 'list'>;
  const { signal } = new AbortController();
  const now = new Date('2027-03-01T23:30:00Z');
  const inBerlin = { signal, timeZone: 'Europe/Berlin', now };
  expect(await findDueTodos(todos, inBerlin)).toMatchObject({ date: '2027-03-02', truncated: false });
  expect(requested).toMatchObject([
    { completed: 'false', time_zone: 'Europe/Berlin', due_before: '2027-03-02' },
    { completed: 'false', time_zone: 'Europe/Berlin', due_after: '2027-03-02', due_before: '2027-03-03' },
  ]);
  const inUtc = { signal, timeZone: 'UTC', now };
  expect(await findDueTodos(todos, inUtc)).toMatchObject({ date: '2027-03-01', truncated: true });
});
