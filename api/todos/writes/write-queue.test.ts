import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { GroupedWrite, WriteGroup } from './grouped-write.ts';
import { createWriteQueue } from './write-queue.ts';

const LIMITS = { all: 3, grouped: 2, alone: 2 };
const WRITE = { ids: [], apply: () => undefined };

/** Creates a queue with a storage that only records its groups, each with the owners of its writes. */
function createQueue(options: Partial<Parameters<typeof createWriteQueue>[0]> = {}) {
  const groups: string[][] = [];
  const writeGroup: WriteGroup = async (writes) => {
    groups.push(writes.map(({ owner }) => owner));
    await delay(5);
    settle(writes);
    return new Set();
  };
  return { groups, queue: createWriteQueue({ writeGroup, limits: LIMITS, pauses: false, ...options }) };
}

function settle(writes: readonly GroupedWrite[]): void {
  for (const { resolve, owner } of writes) resolve({ answer: owner, isRepeated: false });
}

test('a write whose list stays locked is rejected after the timeout, and the next one is stored', async () => {
  let isLocked = true;
  const { queue } = createQueue({
    timeoutMs: 100,
    writeGroup: async (writes) => {
      if (isLocked) return new Set(writes.map(({ owner }) => owner));
      settle(writes);
      return new Set();
    },
  });
  const rejected = [queue.write('ada', WRITE), queue.write('ada', WRITE)];
  for (const write of rejected)
    await expect(write).rejects.toMatchObject({ status: 503, code: 'too_many_concurrent_writes' });
  isLocked = false;
  await expect(queue.write('ada', WRITE)).resolves.toMatchObject({ answer: 'ada' });
  await queue.idle();
});

test('writes of one owner keep their order, and are in one group at a time', async () => {
  const order: number[] = [];
  let running = 0;
  const { queue } = createQueue({
    writeGroup: async (writes) => {
      running += 1;
      expect(running).toBe(1);
      await delay(1);
      for (const { write } of writes) order.push(Number(write.ids[0]));
      settle(writes);
      running -= 1;
      return new Set();
    },
  });
  const writes = Array.from({ length: 200 }, (_, number) => queue.write('ada', { ...WRITE, ids: [String(number)] }));
  await Promise.all(writes);
  expect(order).toEqual(writes.map((_, number) => number));
});

test('a large write is stored by itself, and small writes of others beside it', async () => {
  const { groups, queue } = createQueue();
  await Promise.all([
    queue.write('ada', { ...WRITE, todos: 200 }),
    ...['bob', 'cy', 'dee'].map((owner) => queue.write(owner, WRITE)),
    queue.write('ada', WRITE),
  ]);
  expect(groups[0]).toEqual(['ada']);
  expect(groups[1]?.toSorted()).toEqual(['bob', 'cy', 'dee']);
  expect(groups.flat()).toHaveLength(5);
});

test('one owner with many writes does not keep others out of a group', async () => {
  const { groups, queue } = createQueue();
  const many = Array.from({ length: 100 }, () => queue.write('many', WRITE));
  await Promise.all([...many, queue.write('one', WRITE)]);
  expect(groups[0]).toContain('one');
});

test('exclusive work runs between two writes of its owner', async () => {
  const events: string[] = [];
  const { queue } = createQueue();
  const write = async (name: string) => {
    await queue.write('ada', WRITE);
    events.push(name);
  };
  await Promise.all([
    write('first'),
    queue.runExclusive('ada', async () => {
      events.push('exclusive');
    }),
    write('second'),
  ]);
  expect(events).toEqual(['first', 'exclusive', 'second']);
  await expect(queue.runExclusive('ada', () => Promise.reject(new Error('failed')))).rejects.toThrow('failed');
});
