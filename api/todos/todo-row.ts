import type { Todo } from '../../shared/todo/todo.ts';

/** The columns of a todo that its owner sees. */
export const COLUMNS =
  'id, title, description, completed, completed_at, due_at, priority, tags, position, version, created_at, updated_at';

/** These columns as the database returns them: times are `2027-01-31 09:00:00.5+00`. */
export type TodoRow = Todo;

/** A todo in the words of the contract. */
export function toTodo(row: TodoRow): Todo {
  return {
    ...row,
    completed_at: row.completed_at && toTime(row.completed_at),
    due_at: row.due_at && toTime(row.due_at),
    created_at: toTime(row.created_at),
    updated_at: toTime(row.updated_at),
  };
}

/** A time of the database as RFC 3339 has it. It is put together from its parts, for a `Date` costs ten times as much. */
export function toTime(text: string): string {
  if (!text.endsWith('+00')) return new Date(text).toISOString();
  const [seconds, fraction = ''] = text.slice(0, -3).split('.');
  return `${seconds?.replace(' ', 'T')}.${fraction.padEnd(3, '0')}Z`;
}
