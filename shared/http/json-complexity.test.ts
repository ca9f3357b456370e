import fc from 'fast-check';
import { expect, test } from 'vitest';
import { requireSimpleJson } from './json-complexity.ts';

const limits = { members: 3, elements: 4, values: 10, depth: 3 };

test.each([
  null,
  'text',
  { a: 1, b: 2, c: 3 },
  [1, 2, 3, 4],
  { a: { b: {} } },
  [
    [1, 2, 3],
    [4, 5],
  ],
])('%j is within the limits', (value) => {
  expect(() => requireSimpleJson(JSON.stringify(value), { limits })).not.toThrow();
  expect(() => requireSimpleJson(JSON.stringify(value, null, 2), { limits })).not.toThrow();
});

test.each(['[[[[{{{{', ',,,,,,,,,,,,', '"[[[[[', '\\', '\\"[[[[[', '\\\\"[[[[[['])(
  'what is in the string %j is not counted',
  (text) => {
    expect(() => requireSimpleJson(JSON.stringify({ [text]: text, a: [text] }), { limits })).not.toThrow();
  },
);

test.each([
  ['an object', { a: 1, b: 2, c: 3, d: 4 }, 'objects of at most 3 members'],
  ['an array', [1, 2, 3, 4, 5], 'arrays of at most 4 elements'],
  ['nesting', { a: [{ b: [] }] }, 'at most 3 levels'],
  ['an object behind strings', { '"\\': '\\"', b: '\\\\', c: '"', d: '' }, 'objects of at most 3 members'],
  [
    'many small parts',
    [
      [1, 2, 3],
      [4, 5, 6],
      [7, 8],
    ],
    'at most 10 values',
  ],
])('%s over its limit is rejected', (_name, value, expected) => {
  const text = JSON.stringify(value);
  expect(() => requireSimpleJson(text, { limits })).toThrow(`body: expected ${expected}`);
  expect(() => requireSimpleJson(text, { limits, whole: 'line 2' })).toThrow(`line 2: expected ${expected}`);
});

test('members with the same name are counted, although parsing keeps the last one alone', () => {
  expect(() => requireSimpleJson('{"a":1,"a":1,"a":1,"a":1}', { limits })).toThrow('objects of at most 3 members');
});

test.each(['', '"', '"\\', '{', ']]]]', ',,', '{"a', '[1,2'])('%j is no JSON, which parsing rejects', (text) => {
  expect(() => requireSimpleJson(text, { limits })).not.toThrow();
  expect(() => JSON.parse(text)).toThrow(SyntaxError);
});

test('the limits are exact for any JSON', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 6 }), fc.integer({ min: 0, max: 2 }), (text, indent) => {
      const value = JSON.parse(text);
      const { members, elements, values, depth } = measure(value);
      const exact = { members, elements, values, depth };
      const formatted = JSON.stringify(value, null, indent);
      expect(() => requireSimpleJson(formatted, { limits: exact })).not.toThrow();
      // every text has one value
      for (const name of ['members', 'elements', 'values', 'depth'] as const)
        if (exact[name] > (name === 'values' ? 1 : 0))
          expect(() => requireSimpleJson(formatted, { limits: { ...exact, [name]: exact[name] - 1 } })).toThrow();
    }),
  );
});

/** The complexity of a parsed value. An empty object or array counts as if it had one value. */
function measure(value: unknown): { members: number; elements: number; values: number; depth: number } {
  if (typeof value !== 'object' || value === null) return { members: 0, elements: 0, values: 1, depth: 0 };
  const parts = Object.values(value).map(measure);
  const size = Math.max(1, parts.length);
  const largest = (name: 'members' | 'elements' | 'depth') => Math.max(0, ...parts.map((part) => part[name]));
  return {
    members: Math.max(Array.isArray(value) ? 0 : size, largest('members')),
    elements: Math.max(Array.isArray(value) ? size : 0, largest('elements')),
    values:
      1 +
      Math.max(
        1,
        parts.reduce((sum, part) => sum + part.values, 0),
      ),
    depth: 1 + largest('depth'),
  };
}
