import { addDays, toDay } from '../../shared/local-time.ts';
import type { Todo } from '../../shared/todo/todo.ts';
import type { TodoApi } from '../todo-api/todo-api.ts';

/** The open todos that were due before today and those that are due today. */
export type DueTodos = {
  /** Today in the time zone: YYYY-MM-DD. */
  readonly date: string;
  readonly overdue: readonly Todo[];
  readonly dueToday: readonly Todo[];
  /** Whether there are more than `MAX_DUE_TODOS` of either kind. */
  readonly truncated: boolean;
};

/** The most todos of either kind that are read: one page of the todo API. */
export const MAX_DUE_TODOS = 100;

/**
 * Finds the open todos that are overdue or due today, the earliest first.
 * @param timeZone the IANA name of the time zone in which today begins and ends.
 * @throws what `TodoApi.list` throws
 */
export async function findDueTodos(
  todos: Pick<TodoApi, 'list'>,
  { signal, timeZone, now = new Date() }: { signal: AbortSignal; timeZone: string; now?: Date },
): Promise<DueTodos> {
  const date = toDay(now.toISOString(), timeZone);
  const open = { completed: 'false', sort: 'due_at', time_zone: timeZone, limit: String(MAX_DUE_TODOS) };
  const [overdue, dueToday] = await Promise.all([
    todos.list({ ...open, due_before: date }, { signal }),
    todos.list({ ...open, due_after: date, due_before: addDays(date, 1) }, { signal }),
  ]);
  const truncated = overdue.nextCursor !== undefined || dueToday.nextCursor !== undefined;
  return { date, overdue: overdue.todos, dueToday: dueToday.todos, truncated };
}
