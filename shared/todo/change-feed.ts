import * as z from 'zod';
import { Todo } from './todo.ts';

/** Changes in an answer, when nothing is said, and at the most. */
const CHANGES = 200;

/** The query of the change feed. */
export const ChangeFeedQuery = z
  .strictObject(
    {
      since: z
        .string()
        .regex(/^\d{1,15}$/, 'the member next of an earlier answer')
        .transform(Number)
        .describe('The member next of the last answer; left out, the answer says where to begin'),
      limit: z
        .string()
        .regex(/^\d{1,9}$/, `a whole number from 1 to ${CHANGES}`)
        .transform(Number)
        .refine((value) => value >= 1 && value <= CHANGES, `a whole number from 1 to ${CHANGES}`)
        .meta({ type: 'integer', minimum: 1, maximum: CHANGES })
        .describe(`Changes in an answer: ${CHANGES} when nothing is said`),
    },
    'a query',
  )
  .partial()
  .transform(({ limit = CHANGES, since }) => ({ limit, since }));

export type ChangeFeedQuery = z.infer<typeof ChangeFeedQuery>;

/** What became of a todo, with its state after that; a todo that was deleted has none. */
export const TodoChange = z.object({
  change: z.enum(['created', 'updated', 'deleted', 'restored']),
  id: z.uuid(),
  version: z.int().min(1),
  at: z.iso.datetime(),
  todo: Todo.nullable(),
});
export type TodoChange = z.infer<typeof TodoChange>;

/** What changed, in the order in which it did, and what to send as `since` next. */
export const ChangeFeed = z.object({ changes: z.array(TodoChange), next: z.string() });
export type ChangeFeed = z.infer<typeof ChangeFeed>;
