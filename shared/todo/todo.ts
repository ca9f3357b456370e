import * as z from 'zod';
import { Time, text, visibleText } from './text.ts';

/** The least urgent priority, which a todo has that is given none. */
const LEAST_URGENT = 4;

/** Tags that a todo has at the most. */
const TAGS_AT_MOST = 20;

const title = visibleText(500).describe('What is to be done');
const description = text(10_000).nullable().describe('More about it');
const completed = z.boolean('true or false');
const dueAt = Time.nullable().describe('When it is due');
export const Priority = z
  .int('a whole number from 1 to 4')
  .min(1, 'a whole number from 1 to 4')
  .max(LEAST_URGENT, 'a whole number from 1 to 4')
  .describe('1 is the most urgent');
export const Tag = visibleText(50);
const tags = z
  .array(Tag, `a list of at most ${TAGS_AT_MOST} tags`)
  .max(TAGS_AT_MOST, `a list of at most ${TAGS_AT_MOST} tags`)
  .refine((list) => new Set(list).size === list.length, 'a list of tags that are all different')
  .meta({ uniqueItems: true });
const position = z
  .number('a number')
  .min(Number.MIN_SAFE_INTEGER, 'a number from -9007199254740991 to 9007199254740991')
  .max(Number.MAX_SAFE_INTEGER, 'a number from -9007199254740991 to 9007199254740991')
  // -0 would be a change that nobody sees
  .overwrite((value) => value + 0)
  .describe('Where it stands when sorted by position: between two others is the mean of theirs');

/** The identifier of a todo, a UUID, as it is written in lower case. */
export const TodoId = z.uuid('a UUID').transform((id) => id.toLowerCase());

/** The number of a todo's version: it is 1 at first, and 1 more after each change. */
export const Version = z.int('a version number').min(1, 'a version number').max(2_147_483_647, 'a version number');

/** A todo as the API answers it. Times are RFC 3339 in UTC. */
export const Todo = z.object({
  id: z.uuid(),
  title: z.string(),
  description: z.string().nullable(),
  completed: z.boolean(),
  completed_at: z.iso.datetime().nullable(),
  due_at: z.iso.datetime().nullable(),
  priority: z.int().min(1).max(LEAST_URGENT),
  tags: z.array(z.string()),
  position: z.number(),
  version: z.int().min(1),
  created_at: z.iso.datetime(),
  updated_at: z.iso.datetime(),
});
export type Todo = z.infer<typeof Todo>;

/** What creates a todo. Without a position it comes after all others that were given none. */
export const NewTodo = z.strictObject(
  {
    title,
    description: description.default(null),
    completed: completed.default(false),
    due_at: dueAt.default(null),
    priority: Priority.default(LEAST_URGENT),
    tags: tags.default([]),
    position: position.optional(),
  },
  'a JSON object',
);
export type NewTodo = z.infer<typeof NewTodo>;

/**
 * What changes a todo, a merge patch (RFC 7396): a field that is sent is changed, `null` clears it, what is absent stays.
 * A title, whether it is completed, and a position are what every todo has, so those cannot be cleared.
 */
export const TodoChanges = z
  .strictObject(
    {
      title,
      description,
      completed,
      due_at: dueAt,
      priority: Priority.nullable().transform((value) => value ?? LEAST_URGENT),
      tags: tags.nullable().transform((value) => value ?? []),
      position,
    },
    'a JSON object',
  )
  .partial();
export type TodoChanges = z.infer<typeof TodoChanges>;

/** A line of an import: a todo as it was exported, or as much of it as there is. */
export const ImportedTodo = NewTodo.extend({
  id: TodoId.optional(),
  completed_at: Time.nullable().optional(),
  created_at: Time.optional(),
  // what the list itself decides
  updated_at: z.unknown().optional(),
  version: z.unknown().optional(),
});
export type ImportedTodo = z.infer<typeof ImportedTodo>;
