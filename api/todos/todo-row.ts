import type { InferEntity } from '@mikro-orm/core';
import { Todo } from '../../shared/todo/todo.ts';
import type { TodoEntity } from './todo.entity.ts';

type Column = Extract<keyof InferEntity<typeof TodoEntity>, string>;

/** The columns of the fields of a todo. They have the names of the fields. */
const FIELD_COLUMNS: readonly Column[] = Todo.keyof().options;

/** Every column of `api.todo`. */
export const TODO_COLUMNS: readonly Column[] = ['owner', ...FIELD_COLUMNS, 'words', 'deleted_at'];

/** The select list that returns a `TodoRow`. */
export const SELECT_TODO = FIELD_COLUMNS.join(', ');

/** A todo as the database returns it: the times are in the database's format, such as `2027-01-31 09:00:00.5+00`. */
export type TodoRow = Readonly<Todo>;

export function toTodo(row: TodoRow): Todo {
  return {
    ...row,
    completed_at: row.completed_at && toRfc3339(row.completed_at),
    due_at: row.due_at && toRfc3339(row.due_at),
    created_at: toRfc3339(row.created_at),
    updated_at: toRfc3339(row.updated_at),
  };
}

/** Formats a time of the database as RFC 3339. It works on the text, because a `Date` takes ten times as long. */
export function toRfc3339(text: string): string {
  if (!text.endsWith('+00')) return new Date(text).toISOString();
  const [seconds, fraction = ''] = text.slice(0, -3).split('.');
  return `${seconds?.replace(' ', 'T')}.${fraction.padEnd(3, '0')}Z`;
}
