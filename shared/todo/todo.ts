import * as z from 'zod';
import {
  LEAST_URGENT_PRIORITY,
  MAX_DESCRIPTION_CHARACTERS,
  MAX_TAG_CHARACTERS,
  MAX_TAGS,
  MAX_TITLE_CHARACTERS,
} from './limits.ts';
import { Day, nonBlankText, Time, text } from './text.ts';

const PRIORITY = `a whole number from 1 to ${LEAST_URGENT_PRIORITY}`;
const TAGS = `a list of at most ${MAX_TAGS} tags`;
/** What is expected of `due_on` beside a `due_at`. */
export const ONE_DUE = 'null, because due_at has a value: a todo is due at a time or on a day';
const POSITION = `a number from ${Number.MIN_SAFE_INTEGER} to ${Number.MAX_SAFE_INTEGER}`;

const title = nonBlankText(MAX_TITLE_CHARACTERS).describe('What to do');
const description = text(MAX_DESCRIPTION_CHARACTERS).nullable().describe('Details');
const completed = z.boolean('true or false');
const dueAt = Time.nullable().describe('When it is due');
const dueOn = Day.nullable().describe('Day it is due, instead of due_at');
export const Priority = z
  .int(PRIORITY)
  .min(1, PRIORITY)
  .max(LEAST_URGENT_PRIORITY, PRIORITY)
  .describe('1 is the most urgent');
/** A tag. Its accents have one form (NFC), and white space around it means nothing, so that equal tags look equal. */
export const Tag = nonBlankText(MAX_TAG_CHARACTERS, (tag) => tag.normalize('NFC').trim());
const tags = z
  .array(Tag, TAGS)
  .max(MAX_TAGS, TAGS)
  .refine((list) => new Set(list).size === list.length, 'a list of different tags')
  .meta({ uniqueItems: true });
const position = z
  .number(POSITION)
  .min(Number.MIN_SAFE_INTEGER, POSITION)
  .max(Number.MAX_SAFE_INTEGER, POSITION)
  // -0 becomes 0: JSON writes both as 0, so a client could not see such a change
  .overwrite((value) => value + 0)
  .describe('Place when sorted by position. The mean of two positions is a place between them');

/** The id of a todo: a UUID, which is stored in lower case. */
export const TodoId = z.uuid('a UUID').transform((id) => id.toLowerCase());

/** The version of a todo: 1 when it is created, and 1 more after each change. */
export const Version = z.int('a version number').min(1, 'a version number').max(2_147_483_647, 'a version number');

/** A todo in a response. Times are RFC 3339 in UTC. It is due at a time, on a day, or never: not both. */
export const Todo = z.object({
  id: z.uuid(),
  title: z.string(),
  description: z.string().nullable(),
  completed: z.boolean(),
  completed_at: z.iso.datetime().nullable(),
  due_at: z.iso.datetime().nullable(),
  due_on: z.iso.date().nullable(),
  priority: z.int().min(1).max(LEAST_URGENT_PRIORITY),
  tags: z.array(z.string()),
  position: z.number(),
  version: z.int().min(1),
  created_at: z.iso.datetime(),
  updated_at: z.iso.datetime(),
});
export type Todo = z.infer<typeof Todo>;

/** The fields that the server sets. An import may contain them. */
export const SERVER_FIELDS = [
  'id',
  'completed_at',
  'version',
  'created_at',
  'updated_at',
] as const satisfies readonly (keyof Todo)[];
type ServerField = (typeof SERVER_FIELDS)[number];

/** The fields that a client sets. A new field of `Todo` must be in every schema below, or be a field of the server. */
type ClientField = Exclude<keyof Todo, ServerField>;

/** The body that creates a todo. Without a position the todo comes after all todos that were created without one. */
export const NewTodo = z
  .strictObject(
    {
      title,
      description: description.default(null),
      completed: completed.default(false),
      due_at: dueAt.default(null),
      due_on: dueOn.default(null),
      priority: Priority.default(LEAST_URGENT_PRIORITY),
      tags: tags.default([]),
      position: position.optional(),
    } satisfies Record<ClientField, z.ZodType>,
    'a JSON object',
  )
  .refine(isDueOnce, { path: ['due_on'], message: ONE_DUE });
export type NewTodo = z.infer<typeof NewTodo>;

/**
 * The body that changes a todo, a merge patch (RFC 7396): a field in it is changed, `null` clears the field, and an absent
 * field stays. `title`, `completed` and `position` cannot be cleared, because every todo has them. A value of `due_at` clears
 * `due_on`, and the other way round.
 */
export const TodoChanges = z
  .strictObject(
    {
      title,
      description,
      completed,
      due_at: dueAt,
      due_on: dueOn,
      priority: Priority.nullable().transform((value) => value ?? LEAST_URGENT_PRIORITY),
      tags: tags.nullable().transform((value) => value ?? []),
      position,
    } satisfies Record<ClientField, z.ZodType>,
    'a JSON object',
  )
  .partial();
export type TodoChanges = z.infer<typeof TodoChanges>;

/** The body that changes a todo, as a client sends it back: with the fields that only the server sets, as they are. */
export const SentTodo = TodoChanges.extend({
  id: TodoId,
  version: Version,
  created_at: Time,
  updated_at: Time,
  completed_at: Time.nullable(),
} satisfies Record<ServerField, z.ZodType>).partial();
export type SentTodo = z.infer<typeof SentTodo>;

/** What is expected of `completed_at` in an import when `completed` is not true. */
const NOT_COMPLETED = 'null, because completed is not true';

/** A line of an import: a todo as it was exported, or only some of its fields. */
export const ImportedTodo = NewTodo.extend({
  id: TodoId.optional(),
  completed_at: Time.nullable().optional(),
  created_at: Time.optional(),
  // the import sets these two itself
  updated_at: z.unknown().optional(),
  version: z.unknown().optional(),
} satisfies Record<ServerField, z.ZodType>).refine(
  ({ completed, completed_at }) => completed || typeof completed_at !== 'string',
  { path: ['completed_at'], message: NOT_COMPLETED },
);
export type ImportedTodo = z.infer<typeof ImportedTodo>;

/** Whether at most one of `due_at` and `due_on` has a value. */
export function isDueOnce({ due_at, due_on }: Pick<TodoChanges, 'due_at' | 'due_on'>): boolean {
  return typeof due_at !== 'string' || typeof due_on !== 'string';
}
