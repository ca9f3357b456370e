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

const limits = { perClient: 3, perAddress: 5, seconds: 60 };
const guessed = { clientId: 'guessed', address: '192.0.2.1' };

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

test('the last failure closes the door for that client at that address, and time opens it', async () => {
  await using opened = await open();
  const { limiter } = opened;
  await repeat(2, () => limiter.failed(guessed));
  expect(await limiter.findWait(guessed)).toBeUndefined();
  await limiter.failed(guessed);
  expect(await limiter.findWait(guessed)).toBeCloseTo(60_000, -2);
  expect(await limiter.findWait({ ...guessed, clientId: 'another' })).toBeUndefined();
  expect(await limiter.findWait({ ...guessed, address: '192.0.2.2' })).toBeUndefined();

  vi.setSystemTime(Date.now() + 59_000);
  expect(await limiter.findWait(guessed)).toBeLessThanOrEqual(1000);
  vi.setSystemTime(Date.now() + 1001);
  expect(await limiter.findWait(guessed)).toBeUndefined();
  await limiter.failed(guessed);
  expect(await limiter.findWait(guessed)).toBeUndefined();
});

test('failures that are far apart close nothing', async () => {
  await using opened = await open();
  await repeat(5, async () => {
    await opened.limiter.failed(guessed);
    vi.setSystemTime(Date.now() + 61_000);
  });
  expect(await opened.limiter.findWait(guessed)).toBeUndefined();
});

test('failures at once count before anything is asked', async () => {
  await using opened = await open();
  const counted = Array.from({ length: 3 }, () => opened.limiter.failed(guessed));
  expect(await opened.limiter.findWait(guessed)).toBeGreaterThan(0);
  await Promise.all(counted);
});

test('made-up client ids close an address, but not to a client that authenticated from there', async () => {
  await using opened = await open();
  const { limiter } = opened;
  const honest = { ...guessed, clientId: 'honest' };
  limiter.succeeded(honest);
  await repeat(5, (index) => limiter.failed({ ...guessed, clientId: `made-up-${index}` }));
  expect(await limiter.findWait({ ...guessed, clientId: 'made-up-6' })).toBeGreaterThan(0);
  expect(await limiter.findWait(honest)).toBeUndefined();
  expect(await limiter.findWait({ ...honest, address: '192.0.2.2' })).toBeUndefined();
  // having authenticated is no licence to guess
  await repeat(3, () => limiter.failed(honest));
  expect(await limiter.findWait(honest)).toBeGreaterThan(0);
});

test('processes on PostgreSQL count together, and what expired is deleted', async ({ skip }) => {
  await using opened = await open();
  const { database, em, limiter, other, rows } = opened;
  skip(database.kind === 'embedded', 'the embedded database has one process');
  await repeat(2, () => limiter.failed(guessed));
  await other.failed(guessed);
  expect(await other.findWait(guessed)).toBeGreaterThan(59_000);
  // the first learns it with its next failure
  expect(await limiter.findWait(guessed)).toBeUndefined();
  await limiter.failed(guessed);
  expect(await limiter.findWait(guessed)).toBeGreaterThan(59_000);

  expect(await rows()).toBe(2);
  await deleteExpiredFailures(em);
  expect(await rows()).toBe(2);
  vi.setSystemTime(Date.now() + 61_000);
  await deleteExpiredFailures(em);
  expect(await rows()).toBe(0);
});

test('while PostgreSQL is away a process counts alone', async () => {
  await using limiter = openFailedAuthenticationLimiter({
    database: { kind: 'postgresql', url: 'postgresql://nobody@127.0.0.1:1/nothing' },
    logger: pino({ level: 'silent' }),
    limits,
  });
  await repeat(3, () => limiter.failed(guessed));
  expect(await limiter.findWait(guessed)).toBeGreaterThan(0);
});
