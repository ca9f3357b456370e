import { expect, test } from 'vitest';
import { UsageError } from './command-line/command.ts';
import { parseDuration } from './parse-duration.ts';

test.each([
  ['90s', 90],
  ['30m', 1_800],
  ['24h', 86_400],
  ['7d', 604_800],
  ['0', 0],
] as const)('the duration %s is %i seconds', (text, seconds) => {
  expect(parseDuration(text, { bareUnit: 's', problem: 'wrong' })).toBe(seconds);
});

test('a number without a unit is in the unit of the option', () => {
  expect(parseDuration('24', { bareUnit: 'h', problem: 'wrong' })).toBe(86_400);
  expect(parseDuration('24', { bareUnit: 's', problem: 'wrong' })).toBe(24);
});

test.each(['', 'h', '-1h', '1.5h', '1w', '1h30m', ' 1h', '1H'])('%j is not a duration', (text) => {
  expect(() => parseDuration(text, { bareUnit: 's', problem: 'wrong' })).toThrow(new UsageError('wrong'));
});
