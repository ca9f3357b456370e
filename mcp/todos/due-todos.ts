import type { Todo } from '../../shared/todo/todo.ts';
import type { TodoApi } from '../todo-api/todo-api.ts';

const DAY_MS = 86_400_000;

/** The open todos that were due before today and those that are due today, in UTC. */
export type DueTodos = {
  /** Today in UTC: YYYY-MM-DD. */
  readonly date: string;
  readonly overdue: readonly Todo[];
  readonly dueToday: readonly Todo[];
  /** Whether there are more than `MAX_DUE_TODOS` of either kind. */
  readonly truncated: boolean;
};

/** The most todos of either kind that are read: one page of the todo API. */
export const MAX_DUE_TODOS = 100;

/** Finds the open todos that are overdue or due today, the earliest first. @throws what `TodoApi.list` throws */
export async function findDueTodos(
  todos: Pick<TodoApi, 'list'>,
  signal: AbortSignal,
  now = new Date(),
): Promise<DueTodos> {
  const date = now.toISOString().slice(0, 10);
  const today = `${date}T00:00:00.000Z`;
  const tomorrow = new Date(Date.parse(today) + DAY_MS).toISOString();
  const open = { completed: 'false', sort: 'due_at', limit: String(MAX_DUE_TODOS) };
  const [overdue, dueToday] = await Promise.all([
    todos.list({ ...open, due_before: today }, { signal }),
    todos.list({ ...open, due_after: today, due_before: tomorrow }, { signal }),
  ]);
  const truncated = overdue.nextCursor !== undefined || dueToday.nextCursor !== undefined;
  return { date, overdue: overdue.todos, dueToday: dueToday.todos, truncated };
}
