import * as z from 'zod';

/** Problem details (RFC 9457) as `renderProblem` writes them. */
export const Problem = z.object({
  type: z.literal('about:blank').describe('No type of its own: the status says what it means'),
  title: z.string().describe('The phrase of the status'),
  status: z.int().min(400).max(599),
  detail: z.string().describe('What is wrong, for people'),
  errors: z
    .array(z.object({ field: z.string(), expected: z.string() }))
    .optional()
    .describe('Each field that is wrong, a header or a parameter too, and what it should have been'),
});

/** The problem of a batch: nothing was done, and what each operation would have been answered. */
export const BatchProblem = Problem.extend({
  results: z
    .array(z.object({ status: z.int().min(400).max(599), detail: z.string() }))
    .optional()
    .describe('In the order of the operations; 424 is one that nothing is wrong with'),
});
