import * as z from 'zod';
import { LEAST_URGENT_PRIORITY } from '../../shared/todo/limits.ts';
import type { Todo } from '../../shared/todo/todo.ts';

/** How much a result says of each todo. */
export const ResponseFormat = z.enum(['concise', 'detailed'], 'concise or detailed');
type ResponseFormat = z.infer<typeof ResponseFormat>;

/** A todo as a tool shows it that changed it, and a list: without what it has not got, and the next step does not need. */
export const ConciseTodo = z.object({
  id: z.string(),
  title: z.string(),
  completed: z.boolean(),
  version: z.int(),
  due_at: z.string().nullish(),
  priority: z.int().optional(),
  tags: z.array(z.string()).optional(),
});

/** The same with everything else, where that was asked for. */
export const ShownTodo = ConciseTodo.extend({
  description: z.string().nullish(),
  completed_at: z.string().nullish(),
  position: z.number().optional(),
  created_at: z.string().optional(),
  updated_at: z.string().optional(),
});
export type ShownTodo = z.infer<typeof ShownTodo>;

export function showTodo(todo: Todo, format: ResponseFormat = 'concise'): ShownTodo {
  if (format === 'detailed') return todo;
  const { id, title, completed, version, due_at, priority, tags } = todo;
  return {
    id,
    title,
    completed,
    version,
    ...(due_at !== null && { due_at }),
    ...(priority !== LEAST_URGENT_PRIORITY && { priority }),
    ...(tags.length > 0 && { tags }),
  };
}

/** A todo in a line that says as much: whether it is done, its title, what it is due and tagged, and its id and version. */
export function describeTodo(todo: ShownTodo): string {
  const { id, title, completed, version, due_at, priority, tags = [], description, completed_at } = todo;
  const details = [
    due_at && `due ${due_at}`,
    priority !== undefined && priority !== LEAST_URGENT_PRIORITY && `priority ${priority}`,
    tags.length > 0 && `tags ${tags.join(', ')}`,
    `id ${id}`,
    `version ${version}`,
    completed_at && `completed ${completed_at}`,
    todo.position !== undefined && `position ${todo.position}`,
    todo.created_at && `created ${todo.created_at}`,
    todo.updated_at && `updated ${todo.updated_at}`,
  ].filter(Boolean);
  return [`[${completed ? 'x' : ' '}] ${title} (${details.join('; ')})`, description].filter(Boolean).join('\n');
}

/** Todos under a heading, for a text that a person or a model reads. */
export function describeList(heading: string, todos: readonly Todo[]): string {
  return `${heading}:\n${todos.length === 0 ? 'none' : todos.map((todo) => describeTodo(showTodo(todo))).join('\n')}`;
}
