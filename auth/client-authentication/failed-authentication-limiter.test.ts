import { pino } from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Database } from '../../shared/database/database.ts';
import { openOrm } from '../../shared/database/orm.ts';
import { openTestDatabase } from '../../shared/testing/test-database.ts';
import { authDatabase } from '../database/definition.ts';
import { deleteExpiredFailures, openFailedAuthenticationLimiter } from './failed-authentication-limiter.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const limits = { perIdentifier: 3, perAddress: 5, seconds: 60 };
const guessed = { identifier: 'guessed', credential: 'secret', address: '192.0.2.1' } as const;

async function open() {
  await using opening = new AsyncDisposableStack();
  const database: Database = opening.use(await openTestDatabase());
  const { em } = opening.use(await openOrm(database, authDatabase));
  const openOne = (name = database) =>
    opening.use(openFailedAuthenticationLimiter({ database: name, logger: pino({ level: 'silent' }), limits }));
  const [limiter, other] = [openOne(), openOne()];
  const rows = async () => (await em.fork().execute('select key from auth.failed_authentication')).length;
  const opened = opening.move();
  return { database, em, limiter, other, rows, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

async function repeat(times: number, act: (index: number) => Promise<void>): Promise<void> {
  for (let index = 0; index < times; index += 1) await act(index);
}

test('the last allowed failure blocks that client at that address until the time is over', async () => {
  await using opened = await open();
  const { limiter } = opened;
  await repeat(2, () => limiter.recordFailure(guessed));
  expect(await limiter.findWaitMs(guessed)).toBeUndefined();
  await limiter.recordFailure(guessed);
  expect(await limiter.findWaitMs(guessed)).toBeCloseTo(60_000, -2);
  expect(await limiter.findWaitMs({ ...guessed, identifier: 'another' })).toBeUndefined();
  expect(await limiter.findWaitMs({ ...guessed, credential: 'assertion' })).toBeUndefined();
  expect(await limiter.findWaitMs({ ...guessed, address: '192.0.2.2' })).toBeUndefined();

  vi.setSystemTime(Date.now() + 59_000);
  expect(await limiter.findWaitMs(guessed)).toBeLessThanOrEqual(1000);
  vi.setSystemTime(Date.now() + 1001);
  expect(await limiter.findWaitMs(guessed)).toBeUndefined();
  await limiter.recordFailure(guessed);
  expect(await limiter.findWaitMs(guessed)).toBeUndefined();
});

test('failures that are far apart block nothing', async () => {
  await using opened = await open();
  await repeat(5, async () => {
    await opened.limiter.recordFailure(guessed);
    vi.setSystemTime(Date.now() + 61_000);
  });
  expect(await opened.limiter.findWaitMs(guessed)).toBeUndefined();
});

test('concurrent failures count before the database has counted them', async () => {
  await using opened = await open();
  const counted = Array.from({ length: 3 }, () => opened.limiter.recordFailure(guessed));
  expect(await opened.limiter.findWaitMs(guessed)).toBeGreaterThan(0);
  await Promise.all(counted);
});

test('failures with many client ids block an address, except for a client that has authenticated from it', async () => {
  await using opened = await open();
  const { limiter } = opened;
  const legitimate = { ...guessed, identifier: 'legitimate' };
  limiter.recordSuccess(legitimate);
  await repeat(5, (index) => limiter.recordFailure({ ...guessed, identifier: `made-up-${index}` }));
  expect(await limiter.findWaitMs({ ...guessed, identifier: 'made-up-6' })).toBeGreaterThan(0);
  expect(await limiter.findWaitMs(legitimate)).toBeUndefined();
  expect(await limiter.findWaitMs({ ...legitimate, address: '192.0.2.2' })).toBeUndefined();
  // a client that has authenticated is still limited itself
  await repeat(3, () => limiter.recordFailure(legitimate));
  expect(await limiter.findWaitMs(legitimate)).toBeGreaterThan(0);
});

test('processes on PostgreSQL share their counts, and expired counts are deleted', async ({ skip }) => {
  await using opened = await open();
  const { database, em, limiter, other, rows } = opened;
  skip(database.kind === 'embedded', 'the embedded database has one process');
  await repeat(2, () => limiter.recordFailure(guessed));
  await other.recordFailure(guessed);
  expect(await other.findWaitMs(guessed)).toBeGreaterThan(59_000);
  // the first process learns of it with its next failure
  expect(await limiter.findWaitMs(guessed)).toBeUndefined();
  await limiter.recordFailure(guessed);
  expect(await limiter.findWaitMs(guessed)).toBeGreaterThan(59_000);

  expect(await rows()).toBe(2);
  await deleteExpiredFailures(em);
  expect(await rows()).toBe(2);
  vi.setSystemTime(Date.now() + 61_000);
  await deleteExpiredFailures(em);
  expect(await rows()).toBe(0);
});

test('while PostgreSQL is unreachable a process counts alone', async () => {
  await using limiter = openFailedAuthenticationLimiter({
    database: { kind: 'postgresql', url: 'postgresql://unknown@127.0.0.1:1/nothing' },
    logger: pino({ level: 'silent' }),
    limits,
  });
  await repeat(3, () => limiter.recordFailure(guessed));
  expect(await limiter.findWaitMs(guessed)).toBeGreaterThan(0);
});
