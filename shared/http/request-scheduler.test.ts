import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createRequestScheduler } from './request-scheduler.ts';

test('the requests of several parties begin by turns, those of one party in their order', async () => {
  const { schedule } = createRequestScheduler();
  const begun: string[] = [];
  for (const name of ['a1', 'a2', 'a3', 'b1', 'c1', 'b2']) schedule(name.slice(0, 1), () => begun.push(name));
  expect(begun).toEqual([]);
  await expect.poll(() => begun).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'a3']);
});

test('every request begins, however many wait, also those that are received meanwhile', async () => {
  const { schedule } = createRequestScheduler();
  let begun = 0;
  const expected = 1_000;
  for (let number = 0; number < expected / 2; number += 1)
    schedule(`party ${number % 7}`, () => {
      begun += 1;
      schedule('another', () => {
        begun += 1;
      });
    });
  await expect.poll(() => begun).toBe(expected);
  await delay(10);
  expect(begun).toBe(expected);
});

test('after a few milliseconds of work the event loop receives what others have sent', async () => {
  const { schedule } = createRequestScheduler();
  const events: string[] = [];
  for (let number = 0; number < 10; number += 1)
    schedule('busy', () => {
      events.push('busy');
      // as the embedded database does: the work goes on when the callback has ended, without the event loop
      void Promise.resolve().then(() => work(10));
    });
  // runs once in each turn, as the receipt of data does
  setTimeout(() => schedule('other', () => events.push('other')), 0);
  await expect.poll(() => events).toHaveLength(11);
  expect(events.indexOf('other')).toBeLessThanOrEqual(4);
});

function work(milliseconds: number): void {
  const endsAt = performance.now() + milliseconds;
  while (performance.now() < endsAt);
}
