import * as z from 'zod';
import { MAX_CHANGES } from './limits.ts';
import { Todo } from './todo.ts';

const LIMIT = `a whole number from 1 to ${MAX_CHANGES}`;

/** The query of the change feed. */
export const ChangeFeedQuery = z
  .strictObject(
    {
      since: z
        .string()
        .regex(/^\d{1,15}$/, 'the `next` of an earlier response')
        .transform(Number)
        .describe('The `next` of the last response. Without it, the response only says where to begin'),
      limit: z
        .string()
        .regex(/^\d{1,9}$/, LIMIT)
        .transform(Number)
        .refine((value) => value >= 1 && value <= MAX_CHANGES, LIMIT)
        .meta({ type: 'integer', minimum: 1, maximum: MAX_CHANGES })
        .describe(`Changes in a response. The default is ${MAX_CHANGES}`),
    },
    'a query',
  )
  .partial()
  .transform(({ limit = MAX_CHANGES, since }) => ({ limit, since }));
export type ChangeFeedQuery = z.infer<typeof ChangeFeedQuery>;

/** One change of a todo, with the todo after the change. A deleted todo is `null`. */
export const TodoChange = z.object({
  change: z.enum(['created', 'updated', 'deleted', 'restored']),
  id: z.uuid(),
  version: z.int().min(1),
  at: z.iso.datetime(),
  todo: Todo.nullable(),
});
export type TodoChange = z.infer<typeof TodoChange>;

/** Changes in the order in which they were made. `next` is the `since` of the next request. */
export const ChangeFeed = z.object({ changes: z.array(TodoChange), next: z.string() });
export type ChangeFeed = z.infer<typeof ChangeFeed>;
