import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createTurnstile } from './turnstile.ts';

test('callers continue in order, and only some in each turn of the event loop', async () => {
  const turn = createTurnstile(20);
  const continued: number[] = [];
  const call = (caller: number) => turn().then(() => continued.push(caller));
  const callers = Array.from({ length: 50 }, (_, caller) => call(caller));
  const perTurn: number[] = [];
  while (continued.length < 50) {
    const before = continued.length;
    await setImmediate();
    perTurn.push(continued.length - before);
  }
  expect(Math.max(...perTurn)).toBe(20);
  await Promise.all(callers);
  // a caller that comes when the queue is empty needs one turn
  await call(50);
  expect(continued).toEqual(Array.from({ length: 51 }, (_, caller) => caller));
});
