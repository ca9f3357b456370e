import type * as z from 'zod';
import { type FieldProblem, InvalidRequestError } from './http-error.ts';

/**
 * Parses a part of a request. `whole` is the name of that part, for a problem that concerns none of its fields.
 * @throws {InvalidRequestError} with an entry for each field that is invalid or unknown.
 */
export function parseRequest<T>(schema: z.ZodType<T>, value: unknown, whole: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new InvalidRequestError(fieldProblems(parsed.error, whole));
}

/** The most entries that a response has. */
const MAX_PROBLEMS = 20;

/** Lists each invalid field and what is expected there. It never repeats a value that the client sent. */
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
  const more = problems.length - MAX_PROBLEMS;
  if (more <= 0) return problems;
  return [...problems.slice(0, MAX_PROBLEMS), { field: whole, expected: `${more} more fields to be right` }];
}
