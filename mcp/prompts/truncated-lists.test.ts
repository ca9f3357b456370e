import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Todo } from '../../shared/todo/todo.ts';
import type { TodoApi } from '../todo-api/todo-api.ts';
import { planMyDay } from './plan-my-day.ts';
import { weeklyReview } from './weekly-review.ts';

/** Gets the text of a prompt when every list of the API has `nextCursor` and one todo that was completed `daysAgo`. */
async function getText(prompt: typeof planMyDay, { nextCursor, daysAgo }: { nextCursor?: string; daysAgo: number }) {
  const at = new Date(Date.now() - daysAgo * 86_400_000).toISOString();
  const todo: Todo = {
    id: randomUUID(),
    title: 'A todo',
    description: null,
    completed: true,
    completed_at: at,
    due_at: null,
    due_on: null,
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

test('plan_my_day says when its lists are truncated', async () => {
  expect(await getText(planMyDay, { nextCursor: 'more', daysAgo: 1 })).toContain(
    'The lists above have at most 100 todos each. list_todos returns the others.',
  );
  expect(await getText(planMyDay, { daysAgo: 1 })).not.toContain('list_todos');
});

test('weekly_review says when its lists are truncated', async () => {
  const truncated = await getText(weeklyReview, { nextCursor: 'more', daysAgo: 1 });
  expect(truncated).toContain(
    'Completed in the last seven days (found among the last 1 changed todos; list_todos returns the others):',
  );
  expect(truncated).toContain('due in the next seven days (the first 1; list_todos returns the others):');
  expect(await getText(weeklyReview, { daysAgo: 1 })).not.toContain('list_todos');
});

test('weekly_review is complete when the oldest listed change is older than seven days', async () => {
  // todos on later pages changed, and so were completed, even earlier
  expect(await getText(weeklyReview, { nextCursor: 'more', daysAgo: 8 })).toContain(
    'Completed in the last seven days:',
  );
});
