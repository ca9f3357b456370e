import * as z from 'zod';
import { LEAST_URGENT_PRIORITY } from '../../shared/todo/limits.ts';
import type { Todo } from '../../shared/todo/todo.ts';
import { quote } from '../../shared/visible-text.ts';

/** How much a result says about each todo. */
export const ResponseFormat = z.enum(['concise', 'detailed'], 'concise or detailed');
export type ResponseFormat = z.infer<typeof ResponseFormat>;

/** The fields that the next call needs. Optional fields are absent when they have their usual value. */
export const ConciseTodo = z.object({
  id: z.string(),
  title: z.string(),
  completed: z.boolean(),
  version: z.int(),
  due_at: z.string().nullish(),
  due_on: z.string().nullish(),
  priority: z.int().optional(),
  tags: z.array(z.string()).optional(),
});
export type ConciseTodo = z.infer<typeof ConciseTodo>;

/** A todo in a result of either format: a concise todo, or all fields. */
export const PresentedTodo = ConciseTodo.extend({
  description: z.string().nullish(),
  completed_at: z.string().nullish(),
  position: z.number().optional(),
  created_at: z.string().optional(),
  updated_at: z.string().optional(),
});
export type PresentedTodo = z.infer<typeof PresentedTodo>;

type FieldPresentation = {
  /** The formats whose results have the field: both, only `detailed`, or none. */
  readonly format: ResponseFormat | 'left out';
  /** What the text of a result says about the field in parentheses; undefined for a field that stands outside of them. */
  readonly detail: ((todo: PresentedTodo) => string | undefined | false | '' | null) | undefined;
};

type DetailedField = Exclude<keyof PresentedTodo, keyof ConciseTodo>;

/**
 * How results present each field of a todo, in the order of the text. The compiler rejects a table that lacks a field of
 * `Todo`, or that differs from the schemas above.
 */
export const FIELD_PRESENTATIONS = {
  // the line begins with these two: [x] "Buy milk" (…)
  title: { format: 'concise', detail: undefined },
  completed: { format: 'concise', detail: undefined },
  due_at: { format: 'concise', detail: ({ due_at }) => due_at && `due ${due_at}` },
  due_on: { format: 'concise', detail: ({ due_on }) => due_on && `due ${due_on}` },
  priority: {
    format: 'concise',
    detail: ({ priority }) => priority !== undefined && priority !== LEAST_URGENT_PRIORITY && `priority ${priority}`,
  },
  tags: { format: 'concise', detail: ({ tags = [] }) => tags.length > 0 && `tags ${tags.map(quote).join(', ')}` },
  id: { format: 'concise', detail: ({ id }) => `id ${id}` },
  version: { format: 'concise', detail: ({ version }) => `version ${version}` },
  completed_at: { format: 'detailed', detail: ({ completed_at }) => completed_at && `completed ${completed_at}` },
  position: { format: 'detailed', detail: ({ position }) => position !== undefined && `position ${position}` },
  created_at: { format: 'detailed', detail: ({ created_at }) => created_at && `created ${created_at}` },
  updated_at: { format: 'detailed', detail: ({ updated_at }) => updated_at && `updated ${updated_at}` },
  // last, because it may be long
  description: { format: 'detailed', detail: ({ description }) => description && `description ${quote(description)}` },
} as const satisfies Record<keyof Todo, FieldPresentation> &
  Record<keyof ConciseTodo, { format: 'concise' }> &
  Record<DetailedField, { format: 'detailed' }> &
  Record<Exclude<keyof Todo, keyof PresentedTodo>, { format: 'left out' }>;

/** Selects the fields of a todo that a result of `format` has. */
export function presentTodo(todo: Todo, format: ResponseFormat = 'concise'): PresentedTodo {
  return format === 'detailed' ? toDetailed(todo) : toConcise(todo);
}

function toDetailed(todo: Todo): PresentedTodo {
  const { id, title, completed, version, due_at, due_on, priority, tags } = todo;
  const { description, completed_at, position, created_at, updated_at } = todo;
  return {
    ...{ id, title, completed, version, due_at, due_on, priority, tags },
    ...{ description, completed_at, position, created_at, updated_at },
  } satisfies Record<keyof PresentedTodo, unknown>;
}

function toConcise({ id, title, completed, version, due_at, due_on, priority, tags }: Todo): ConciseTodo {
  // JSON leaves out the members that are undefined
  return {
    id,
    title,
    completed,
    version,
    due_at: due_at ?? undefined,
    due_on: due_on ?? undefined,
    priority: priority === LEAST_URGENT_PRIORITY ? undefined : priority,
    tags: tags.length === 0 ? undefined : tags,
  } satisfies Record<keyof ConciseTodo, unknown>;
}
