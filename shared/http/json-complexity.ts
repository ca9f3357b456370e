import { InvalidRequestError } from './http-error.ts';

/** The most members of one object, elements of one array, values in all, and levels that a JSON body may have. */
export type JsonComplexity = {
  readonly members: number;
  readonly elements: number;
  readonly values: number;
  readonly depth: number;
};

/** More than any schema of yata has: a batch of 50 todos with 20 tags each has about 1,700 values in 6 levels. */
const MAX_JSON_COMPLEXITY: JsonComplexity = { members: 100, elements: 100, values: 5_000, depth: 20 };

/**
 * Rejects a parsed JSON body that is more complex than any valid request, before it is validated. Validation names each
 * unknown member, which takes far longer than parsing: 100,000 unknown members would block the event loop for 0.5 s.
 * @param whole what `value` is, for the problem.
 * @throws {InvalidRequestError} at the first limit that is exceeded.
 */
export function requireSimpleJson(
  value: unknown,
  { whole = 'body', limits = MAX_JSON_COMPLEXITY }: { whole?: string; limits?: JsonComplexity } = {},
): void {
  let values = 0;
  visit(value, 1);

  function tooComplex(expected: string): InvalidRequestError {
    return new InvalidRequestError([{ field: whole, expected }]);
  }

  function visit(value: unknown, depth: number): void {
    values += 1;
    if (values > limits.values) throw tooComplex(`at most ${limits.values} values`);
    if (typeof value !== 'object' || value === null) return;
    if (depth > limits.depth) throw tooComplex(`at most ${limits.depth} levels`);
    if (Array.isArray(value)) {
      if (value.length > limits.elements) throw tooComplex(`arrays of at most ${limits.elements} elements`);
      for (const element of value) visit(element, depth + 1);
      return;
    }
    let members = 0;
    for (const name in value) {
      members += 1;
      if (members > limits.members) throw tooComplex(`objects of at most ${limits.members} members`);
      visit(value[name as keyof typeof value], depth + 1);
    }
  }
}
