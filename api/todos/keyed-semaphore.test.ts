import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createKeyedSemaphore } from './keyed-semaphore.ts';

test('at most as many tasks of one key run as the limit, in their order, also when some fail', async () => {
  const semaphore = createKeyedSemaphore(2);
  const events: string[] = [];
  const run = (name: string) =>
    semaphore('a', async () => {
      events.push(`${name} begins`);
      await setImmediate();
      events.push(`${name} ends`);
      if (name === '1') throw new Error('task 1');
      return name;
    });
  const results = await Promise.allSettled(['1', '2', '3', '4'].map(run));
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled', 'fulfilled']);
  let running = 0;
  for (const event of events) {
    running += event.endsWith('begins') ? 1 : -1;
    expect(running).toBeLessThanOrEqual(2);
  }
  expect(events.filter((event) => event.endsWith('begins'))).toEqual(
    ['1', '2', '3', '4'].map((name) => `${name} begins`),
  );
});

test('tasks of another key do not wait', async () => {
  const semaphore = createKeyedSemaphore(1);
  const { promise, resolve } = Promise.withResolvers<void>();
  const first = semaphore('a', () => promise);
  expect(await semaphore('b', async () => 'done')).toBe('done');
  resolve();
  await first;
  expect(await semaphore('a', async () => 'again')).toBe('again');
});

test('after a large result one task runs at a time, until there is a smaller result', async () => {
  const semaphore = createKeyedSemaphore(3);
  const running: number[] = [];
  let now = 0;
  const run = (size: number) =>
    semaphore(
      'a',
      async () => {
        running.push(++now);
        await setImmediate();
        now -= 1;
        return size;
      },
      (result) => result > 1,
    );
  await Promise.all([2, 2, 2, 2, 2, 1, 1, 1, 1].map(run));
  // the three tasks that begin first; two that begin alone, and the one with the small result; then three again
  expect(running).toEqual([1, 2, 3, 1, 1, 1, 1, 2, 3]);
});
