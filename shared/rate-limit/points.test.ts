import { expect, test } from 'vitest';
import { pointsOfBody, pointsOfRejectedBody } from './points.ts';

test.each([
  ['an ordinary todo', { bytes: 200 }, 0],
  ['a todo of 10,000 characters', { bytes: 10_300 }, 2],
  ['a batch of one operation', { bytes: 100, operations: 1 }, 0],
  ['a batch of 50 short operations', { bytes: 5_000, operations: 50 }, 49],
  ['the largest batch', { bytes: 2_500_000, operations: 50 }, 624],
  ['an import of 10,000 short lines', { bytes: 140_000, lines: 10_000 }, 499],
  ['an import of 10 MB', { bytes: 10_000_000, lines: 980 }, 2_499],
  ['an import of 10 MB of empty lines', { bytes: 10_000_000, lines: 0 }, 2_499],
])('%s costs its points in addition to that of the request', (_name, body, points) => {
  expect(pointsOfBody(body)).toBe(points);
});

test('a rejected body costs more than a valid one of the same size', () => {
  for (const bytes of [0, 100, 100_000, 2_500_000])
    expect(pointsOfRejectedBody(bytes)).toBe(10 + pointsOfBody({ bytes }));
});
