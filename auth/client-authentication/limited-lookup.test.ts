import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createLimitedLookup } from './limited-lookup.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

test('ten clients that are not in the cache are looked up for each address in a second', () => {
  const mayLookUp = createLimitedLookup({ findCached: () => undefined });
  const lookUp = (address: string) =>
    Array.from({ length: 12 }, (_, index) => mayLookUp({ clientId: `made-up-${index}`, address }));
  const tenOfTwelve = [...Array(10).fill(true), false, false];
  expect(lookUp('192.0.2.1')).toEqual(tenOfTwelve);
  // a flood from one address leaves the reads of another one
  expect(lookUp('192.0.2.2')).toEqual(tenOfTwelve);
  vi.setSystemTime(Date.now() + 1_000);
  expect(lookUp('192.0.2.1')).toEqual(tenOfTwelve);
});

test('the addresses of one IPv6 network share their reads', () => {
  const mayLookUp = createLimitedLookup({ findCached: () => undefined });
  const allowed = Array.from({ length: 12 }, (_, index) =>
    mayLookUp({ clientId: 'made-up', address: `2001:db8::${index}` }),
  );
  expect(allowed.filter(Boolean)).toHaveLength(10);
});
