import { expect, test } from 'vitest';
import { createDatabaseClock } from './database-clock.ts';

test('the clock goes on from the time that the database returned last', () => {
  let monotonic = 1_000;
  const clock = createDatabaseClock(() => monotonic);
  expect(clock.now()).toBe(0);
  clock.set(50_000);
  monotonic += 12.7;
  expect(clock.now()).toBe(50_012);
  clock.set(40_000);
  monotonic += 1;
  expect(clock.now()).toBe(40_001);
});
