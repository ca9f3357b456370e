import { InvalidRequestError } from './http-error.ts';

/** The most members of one object, elements of one array, values in all, and levels that a JSON text may have. */
export type JsonComplexity = {
  readonly members: number;
  readonly elements: number;
  readonly values: number;
  readonly depth: number;
};

/** More than any schema of yata has: a batch of 50 todos with 20 tags each has about 1,600 values in 6 levels. */
const MAX_JSON_COMPLEXITY: JsonComplexity = { members: 100, elements: 100, values: 5_000, depth: 20 };

/** The members of an object or the elements of an array that is not complete yet. */
type Container = { readonly isObject: boolean; size: number };

/**
 * Rejects a JSON text that is more complex than any valid request, before it is parsed. For 200,000 unknown members,
 * parsing blocks the event loop for 0.1 s, and validation, which names each of them, for 0.5 s.
 * An empty object or array counts as if it had one value. A text that is not JSON may pass: parsing rejects it.
 * @param whole what `text` is, for the problem.
 * @throws {InvalidRequestError} at the first limit that is exceeded.
 */
export function requireSimpleJson(
  text: string,
  { whole = 'body', limits = MAX_JSON_COMPLEXITY }: { whole?: string; limits?: JsonComplexity } = {},
): void {
  const open: Container[] = [];
  let values = 1;

  for (let position = 0; position < text.length; position += 1) {
    switch (text[position]) {
      case '"':
        position = findEndOfString(text, position);
        break;
      case '{':
      case '[':
        if (open.length >= limits.depth) throw tooComplex(`at most ${limits.depth} levels`);
        open.push({ isObject: text[position] === '{', size: 0 });
        countValue();
        break;
      case ',':
        countValue();
        break;
      case '}':
      case ']':
        open.pop();
        break;
    }
  }

  function countValue(): void {
    values += 1;
    if (values > limits.values) throw tooComplex(`at most ${limits.values} values`);
    const container = open.at(-1);
    if (container === undefined) return;
    container.size += 1;
    if (container.isObject && container.size > limits.members)
      throw tooComplex(`objects of at most ${limits.members} members`);
    if (!container.isObject && container.size > limits.elements)
      throw tooComplex(`arrays of at most ${limits.elements} elements`);
  }

  function tooComplex(expected: string): InvalidRequestError {
    return new InvalidRequestError([{ field: whole, expected }]);
  }
}

/** Returns the position of the quotation mark that ends the string which begins at `start`, or else of the last character. */
function findEndOfString(text: string, start: number): number {
  let end = start;
  do end = text.indexOf('"', end + 1);
  while (end !== -1 && isEscaped(text, end));
  return end === -1 ? text.length : end;
}

function isEscaped(text: string, position: number): boolean {
  let backslashes = 0;
  while (text[position - 1 - backslashes] === '\\') backslashes += 1;
  return backslashes % 2 === 1;
}
