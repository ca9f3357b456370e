import * as z from 'zod';

/** How many todos of an import were created, and how many were skipped because their owner has their ids. */
export const ImportCounts = z.object({
  created: z.int().min(0),
  skipped: z.int().min(0).describe('Todos that were skipped because you have a todo with this id, maybe a deleted one'),
});
export type ImportCounts = Readonly<z.infer<typeof ImportCounts>>;
