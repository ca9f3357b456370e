import { setTimeout as delay, setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createKeyedMutex } from './keyed-mutex.ts';

test('work under one name runs one after another, and under different names side by side', async () => {
  const runExclusive = createKeyedMutex();
  const running = new Map<string, number>();
  const [order, most]: [string[], number[]] = [[], []];
  const work = (name: string, number: number) => async () => {
    running.set(name, (running.get(name) ?? 0) + 1);
    most.push([...running.values()].reduce((sum, count) => sum + count, 0));
    expect(running.get(name)).toBe(1);
    await setImmediate();
    running.set(name, 0);
    order.push(`${name}${number}`);
    return number;
  };
  const done = await Promise.all(
    [0, 1, 2].flatMap((number) => ['a', 'b'].map((name) => runExclusive(name, work(name, number)))),
  );
  expect(done).toEqual([0, 0, 1, 1, 2, 2]);
  expect(order.filter((name) => name.startsWith('a'))).toEqual(['a0', 'a1', 'a2']);
  expect(Math.max(...most)).toBe(2);
});

test('work that fails hinders nobody who comes after it', async () => {
  const runExclusive = createKeyedMutex();
  const failing = runExclusive('a', () => Promise.reject(new Error('it fails')));
  const following = runExclusive('a', async () => 'done');
  await expect(failing).rejects.toThrow('it fails');
  expect(await following).toBe('done');
});

test('who has waited too long is not done', async () => {
  const runExclusive = createKeyedMutex({ patience: 50 });
  let done = 0;
  const slow = runExclusive('a', () => delay(200));
  const late = [1, 2, 3].map(() =>
    runExclusive('a', async () => {
      done += 1;
    }),
  );
  await slow;
  for (const turn of late) await expect(turn).rejects.toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
  expect(done).toBe(0);
  expect(await runExclusive('a', async () => 'in time')).toBe('in time');
});
