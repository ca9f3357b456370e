import { expect, test } from 'vitest';
import type { TodoApi } from '../todo-api/todo-api.ts';
import { findDue } from './today-resource.ts';

test('what is due is asked for by days of UTC, and that there is more is told', async () => {
  const asked: Record<string, string>[] = [];
  const todos = {
    async list(query: Record<string, string>) {
      asked.push(query);
      return { todos: [], total: undefined, nextCursor: asked.length % 4 === 0 ? 'more' : undefined };
    },
  } satisfies Pick<TodoApi, 'list'>;
  const { signal } = new AbortController();
  const now = new Date('2027-03-01T23:30:00+01:00');
  expect(await findDue(todos, signal, now)).toMatchObject({ date: '2027-03-01', more: false });
  expect(asked).toMatchObject([
    { completed: 'false', due_before: '2027-03-01T00:00:00.000Z' },
    { completed: 'false', due_after: '2027-03-01T00:00:00.000Z', due_before: '2027-03-02T00:00:00.000Z' },
  ]);
  expect(await findDue(todos, signal, now)).toMatchObject({ more: true });
});
