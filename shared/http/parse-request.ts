import type * as z from 'zod';
import { type FieldProblem, InvalidRequestError } from './http-error.ts';

/**
 * Parses a part of a request; `whole` names the part where a problem is not with one of its fields.
 * @throws {InvalidRequestError} with a line for each field that is wrong or unknown.
 */
export function parseRequest<T>(schema: z.ZodType<T>, value: unknown, whole: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new InvalidRequestError(fieldProblems(parsed.error, whole));
}

/** Lines that an answer has at the most. */
const MOST_PROBLEMS = 20;

/** Each field that is wrong and what was expected, in words that repeat no value that was sent. */
export function fieldProblems(error: z.ZodError, whole: string): FieldProblem[] {
  const problems = error.issues.flatMap((issue): FieldProblem[] => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({
        field: [...issue.path, key.slice(0, 100)].join('.'),
        expected: 'no such field',
      }));
    }
    return [{ field: issue.path.join('.') || whole, expected: issue.message }];
  });
  const more = problems.length - MOST_PROBLEMS;
  if (more <= 0) return problems;
  return [...problems.slice(0, MOST_PROBLEMS), { field: whole, expected: `${more} more fields to be right` }];
}
