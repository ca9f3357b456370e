import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Todo } from '../../shared/todo/todo.ts';
import type { TodoApi } from '../todo-api/todo-api.ts';
import { planMyDay } from './plan-my-day.ts';
import { weeklyReview } from './weekly-review.ts';

/** The text of a prompt where every list of the API has `nextCursor`, and todos that changed `daysAgo`. */
async function textOf(prompt: typeof planMyDay, { nextCursor, daysAgo }: { nextCursor?: string; daysAgo: number }) {
  const at = new Date(Date.now() - daysAgo * 86_400_000).toISOString();
  const todo: Todo = {
    id: randomUUID(),
    title: 'A todo',
    description: null,
    completed: true,
    completed_at: at,
    due_at: null,
    priority: 4,
    tags: [],
    position: 1,
    version: 1,
    created_at: at,
    updated_at: at,
  };
  const todos = { list: async () => ({ todos: [todo], total: 1, nextCursor }) } as unknown as TodoApi;
  const messages = await prompt.get({}, { todos, signal: new AbortController().signal });
  return JSON.stringify(messages);
}

test('a plan says when it was not told all that is due', async () => {
  expect(await textOf(planMyDay, { nextCursor: 'more', daysAgo: 1 })).toContain('list_todos has the rest');
  expect(await textOf(planMyDay, { daysAgo: 1 })).not.toContain('list_todos');
});

test('a review says when it was not told all that was done or is due', async () => {
  const cut = await textOf(weeklyReview, { nextCursor: 'more', daysAgo: 1 });
  expect(cut).toContain('Done in the last seven days, of the last 1 that changed; list_todos has the rest');
  expect(cut).toContain('due in the next seven days, the first 1; list_todos has the rest');
  expect(await textOf(weeklyReview, { daysAgo: 1 })).not.toContain('list_todos');
  // what is further down was changed, and so done, longer ago
  expect(await textOf(weeklyReview, { nextCursor: 'more', daysAgo: 8 })).toContain('Done in the last seven days:');
});
