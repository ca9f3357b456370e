import * as z from 'zod';
import { PROBLEMS, type ProblemCode } from '../../shared/todo/problems.ts';

const codes = Object.keys(PROBLEMS) as [ProblemCode, ...ProblemCode[]];

/** Problem details (RFC 9457) as `renderProblem` writes them. */
export const Problem = z.object({
  type: z.literal('about:blank').describe('Always `about:blank`. `code` identifies the problem'),
  title: z.string().describe('The reason phrase of the status'),
  status: z.int().min(400).max(599),
  code: z.enum(codes).describe('Identifies the problem. Programs decide by it'),
  detail: z.string().describe('What is wrong, for people'),
  errors: z
    .array(z.object({ field: z.string(), expected: z.string() }))
    .optional()
    .describe('Each invalid field, header or parameter, and what is expected there'),
  ...PROBLEMS.version_mismatch.members.partial().shape,
  ...PROBLEMS.content_too_large.members.partial().shape,
  ...PROBLEMS.changes_expired.members.partial().shape,
  ...PROBLEMS.rate_limited.members.partial().shape,
});

/** The problem of a batch: no operation was executed, and `results` says what is wrong with each. */
export const BatchProblem = Problem.extend(PROBLEMS.batch_rejected.members.partial().shape);
