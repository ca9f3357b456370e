import { expect, test } from 'vitest';
import { TimeZone } from '../shared/todo/text.ts';
import { completeTimeZone } from './complete-time-zone.ts';

test.each([
  ['kolk', 'Asia/Kolkata'],
  ['calcutta', 'Asia/Calcutta'],
  ['kyiv', 'Europe/Kyiv'],
  ['kiev', 'Europe/Kiev'],
  ['ho chi', 'Asia/Ho_Chi_Minh'],
  ['yangon', 'Asia/Yangon'],
  ['kathmandu', 'Asia/Kathmandu'],
  ['nuuk', 'America/Nuuk'],
  ['istanbul', 'Europe/Istanbul'],
  ['İstanbul', 'Europe/Istanbul'],
  ['São Paulo', 'America/Sao_Paulo'],
])('%s completes to %s', (typed, zone) => {
  expect(completeTimeZone(typed)).toEqual([zone]);
});

test('every proposed name is a time zone, and is proposed once', () => {
  const proposed = completeTimeZone('');
  expect(proposed.filter((zone) => !TimeZone.safeParse(zone).success)).toEqual([]);
  expect(new Set(proposed).size).toBe(proposed.length);
});
