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
    [4, 5, 6],
  ],
])('%j is within the limits', (value) => {
  expect(() => requireSimpleJson(value, { limits })).not.toThrow();
});

test.each([
  ['an object', { a: 1, b: 2, c: 3, d: 4 }, 'objects of at most 3 members'],
  ['an array', [1, 2, 3, 4, 5], 'arrays of at most 4 elements'],
  ['nesting', { a: [{ b: [] }] }, 'at most 3 levels'],
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
  expect(() => requireSimpleJson(value, { limits })).toThrow(`body: expected ${expected}`);
  expect(() => requireSimpleJson(value, { limits, whole: 'line 2' })).toThrow(`line 2: expected ${expected}`);
});

test('checking a huge object stops at the limit', () => {
  const reads: string[] = [];
  const huge = new Proxy(Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`m${index}`, 1])), {
    get: (target, name) => {
      reads.push(String(name));
      return Reflect.get(target, name);
    },
  });
  expect(() => requireSimpleJson(huge)).toThrow('objects of at most 100 members');
  expect(reads).toHaveLength(100);
});
