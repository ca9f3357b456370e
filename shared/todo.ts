import * as z from 'zod';

/** Text that PostgreSQL can hold and give back unchanged: no NUL, no lone surrogate. */
const text = (maximum: number) =>
  z
    .string(`a string of at most ${maximum} characters`)
    .max(maximum, `a string of at most ${maximum} characters`)
    .refine((value) => !value.includes('\0') && value.isWellFormed(), 'a string without NUL and lone surrogates');

const title = text(500).refine((value) => value.trim() !== '', 'a string with at least one visible character');
const description = text(10_000).nullable();
const completed = z.boolean('true or false');

/** The identifier of a todo, a UUID. */
export const TodoId = z.uuid('a UUID');

/** A todo as the API answers it. Times are RFC 3339 in UTC. */
export const Todo = z.object({
  id: TodoId,
  title,
  description,
  completed,
  created_at: z.iso.datetime(),
  updated_at: z.iso.datetime(),
});
export type Todo = z.infer<typeof Todo>;

/** What creates a todo. */
export const NewTodo = z.strictObject(
  { title, description: description.default(null), completed: completed.default(false) },
  'a JSON object',
);
export type NewTodo = z.infer<typeof NewTodo>;

/** What changes a todo: the fields sent are changed, the others stay. */
export const TodoChanges = z.strictObject({ title, description, completed }, 'a JSON object').partial();
export type TodoChanges = z.infer<typeof TodoChanges>;
