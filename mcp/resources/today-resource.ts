import type { Todo } from '../../shared/todo/todo.ts';
import type { TodoApi } from '../todo-api/todo-api.ts';
import { showTodo } from '../tools/shown-todo.ts';
import type { Resource } from './resource.ts';

const URI = 'todo://today';

/** What is to be done today: `todo://today`. */
export const todayResource: Resource = {
  name: 'today',
  title: 'Today',
  description: 'Open todos that are overdue or due today (in UTC), as JSON',
  mimeType: 'application/json',
  scope: 'todos:read',
  address: { uri: URI },
  matches: (uri) => uri === URI,
  async read(uri, { todos, signal }) {
    const { date, overdue, dueToday, more } = await findDue(todos, signal);
    const text = JSON.stringify({
      date,
      time_zone: 'UTC',
      overdue: overdue.map((todo) => showTodo(todo)),
      due_today: dueToday.map((todo) => showTodo(todo)),
      // who plans must know that this is not all
      ...(more && { more: 'These are the first 100 of each; list_todos has the rest' }),
    });
    return { uri, mimeType: 'application/json', text };
  },
};

/** The open todos that were due before today, and those due today, in UTC; a hundred of each, and whether there are more. */
export async function findDue(
  todos: Pick<TodoApi, 'list'>,
  signal: AbortSignal,
  now = new Date(),
): Promise<{ date: string; overdue: readonly Todo[]; dueToday: readonly Todo[]; more: boolean }> {
  const date = now.toISOString().slice(0, 10);
  const today = `${date}T00:00:00.000Z`;
  const tomorrow = new Date(Date.parse(today) + 86_400_000).toISOString();
  const open = { completed: 'false', sort: 'due_at', limit: '100' };
  const [before, during] = await Promise.all([
    todos.list({ ...open, due_before: today }, { signal }),
    todos.list({ ...open, due_after: today, due_before: tomorrow }, { signal }),
  ]);
  const more = before.nextCursor !== undefined || during.nextCursor !== undefined;
  return { date, overdue: before.todos, dueToday: during.todos, more };
}
