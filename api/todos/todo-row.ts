import type { InferEntity } from '@mikro-orm/core';
import type { Todo } from '../../shared/todo/todo.ts';
import type { TodoEntity } from './todo.entity.ts';

/** The column of each field of a todo. What is selected, what is read and what is written follows from this table. */
const TODO_COLUMNS = {
  id: 'id',
  title: 'title',
  description: 'description',
  completed: 'completed',
  completed_at: 'completed_at',
  due_at: 'due_at',
  due_on: 'due_on',
  priority: 'priority',
  tags: 'tags',
  position: 'position',
  version: 'version',
  created_at: 'created_at',
  updated_at: 'updated_at',
} as const satisfies Record<keyof Todo, keyof InferEntity<typeof TodoEntity>>;

/** The select list that returns a `TodoRow`. */
export const SELECT_TODO = Object.entries(TODO_COLUMNS)
  .map(([field, column]) => (column === field ? column : `${column} as ${field}`))
  .join(', ');

/** A todo as the database returns it: the times are in the database's format, such as `2027-01-31 09:00:00.5+00`. */
export type TodoRow = { readonly [Field in keyof typeof TODO_COLUMNS]: Todo[Field] };

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
