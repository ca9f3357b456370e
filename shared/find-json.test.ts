import { expect, test } from 'vitest';
import { findJson } from './find-json.ts';

test('text that is no JSON has no value, and the JSON null has one', () => {
  expect(['{"a":1}', 'null', '', '{', 'undefined'].map(findJson)).toEqual([
    { a: 1 },
    null,
    undefined,
    undefined,
    undefined,
  ]);
});
