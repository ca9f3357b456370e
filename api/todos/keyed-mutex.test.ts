import { setTimeout as delay, setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createKeyedMutex } from './keyed-mutex.ts';

test('tasks with one key run one after another, and tasks with different keys run at the same time', async () => {
  const { runExclusive } = createKeyedMutex();
  const running = new Map<string, number>();
  const [order, concurrent]: [string[], number[]] = [[], []];
  const task = (key: string, number: number) => async () => {
    running.set(key, (running.get(key) ?? 0) + 1);
    concurrent.push([...running.values()].reduce((sum, count) => sum + count, 0));
    expect(running.get(key)).toBe(1);
    await setImmediate();
    running.set(key, 0);
    order.push(`${key}${number}`);
    return number;
  };
  const results = await Promise.all(
    [0, 1, 2].flatMap((number) => ['a', 'b'].map((key) => runExclusive(key, task(key, number)))),
  );
  expect(results).toEqual([0, 0, 1, 1, 2, 2]);
  expect(order.filter((name) => name.startsWith('a'))).toEqual(['a0', 'a1', 'a2']);
  expect(Math.max(...concurrent)).toBe(2);
});

test('a task runs after an earlier task with its key has failed', async () => {
  const { runExclusive } = createKeyedMutex();
  const failing = runExclusive('a', () => Promise.reject(new Error('the task failed')));
  const following = runExclusive('a', async () => 'done');
  await expect(failing).rejects.toThrow('the task failed');
  expect(await following).toBe('done');
});

test('a task that waited longer than the timeout is rejected and does not run', async () => {
  const { runExclusive } = createKeyedMutex({ timeoutMs: 50 });
  let runs = 0;
  const slow = runExclusive('a', () => delay(200));
  const late = [1, 2, 3].map(() =>
    runExclusive('a', async () => {
      runs += 1;
    }),
  );
  await slow;
  for (const task of late)
    await expect(task).rejects.toMatchObject({
      status: 503,
      code: 'too_many_concurrent_writes',
      headers: { 'retry-after': '1' },
    });
  expect(runs).toBe(0);
  expect(await runExclusive('a', async () => 'in time')).toBe('in time');
});
