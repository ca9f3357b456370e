import type { Todo } from '../todo/todo.ts';

/** The fields of a todo that a format of another program may hold. */
export type ExportedTodo = Pick<
  Todo,
  | 'id'
  | 'title'
  | 'description'
  | 'completed'
  | 'completed_at'
  | 'due_at'
  | 'due_on'
  | 'priority'
  | 'tags'
  | 'created_at'
  | 'updated_at'
>;

/** A todo in a format, and the names of what the format cannot hold of it. */
export type WrittenTodo = { readonly text: string; readonly notKept: readonly string[] };
