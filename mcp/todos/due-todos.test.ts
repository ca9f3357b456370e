import { expect, test } from 'vitest';
import type { TodoApi } from '../todo-api/todo-api.ts';
import { findDueTodos } from './due-todos.ts';

/** A todo API whose list of overdue todos, or of those due today, has a further page. */
function createTodos({ moreOverdue = false, moreToday = false } = {}) {
  const requested: Record<string, string>[] = [];
  const todos = {
    async list(query: Record<string, string>) {
      requested.push(query);
      const hasMore = query.due_after === undefined ? moreOverdue : moreToday;
      return { todos: [], total: undefined, nextCursor: hasMore ? 'more' : undefined };
    },
  } satisfies Pick<TodoApi, 'list'>;
  return { todos, requested };
}

const { signal } = new AbortController();
const now = new Date('2027-03-01T23:30:00Z');

test('due todos are requested for a day in the time zone', async () => {
  const { todos, requested } = createTodos();
  expect(await findDueTodos(todos, { signal, timeZone: 'Europe/Berlin', now })).toMatchObject({ date: '2027-03-02' });
  const open = { completed: 'false', sort: 'due_at', time_zone: 'Europe/Berlin', limit: '100' };
  expect(requested).toEqual([
    { ...open, due_before: '2027-03-02' },
    { ...open, due_after: '2027-03-02', due_before: '2027-03-03' },
  ]);
  expect(await findDueTodos(todos, { signal, timeZone: 'UTC', now })).toMatchObject({ date: '2027-03-01' });
});

test.each([
  [{}, false],
  [{ moreOverdue: true }, true],
  [{ moreToday: true }, true],
  [{ moreOverdue: true, moreToday: true }, true],
])('lists with %j are truncated: %s', async (more, truncated) => {
  const { todos } = createTodos(more);
  expect(await findDueTodos(todos, { signal, timeZone: 'UTC', now })).toMatchObject({ truncated });
});
