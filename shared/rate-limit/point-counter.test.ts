import { randomUUID } from 'node:crypto';
import { createServer, type Socket } from 'node:net';
import { Redis } from 'ioredis';
import pg from 'pg';
import { type Logger, pino } from 'pino';
import { expect, type TestContext, test } from 'vitest';
import { openTestDatabase } from '../testing/test-database.ts';
import { openPointCounter } from './point-counter.ts';

/** Where a Redis server is looked for. */
const REDIS_URL = process.env.REDIS_URL ?? 'redis://127.0.0.1:6379';

/** A log whose lines can be read. */
function createLog() {
  const lines: string[] = [];
  const logger: Logger = pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) });
  return { logger, events: () => lines.map((line) => String(JSON.parse(line).event)), text: () => lines.join('') };
}

async function skipWithoutRedis(skip: TestContext['skip']): Promise<void> {
  const client = new Redis(REDIS_URL, { lazyConnect: true, retryStrategy: () => null });
  client.on('error', () => {});
  const reachable = await client.connect().then(
    () => true,
    () => false,
  );
  client.disconnect();
  skip(!reachable, `no Redis server at ${REDIS_URL}`);
}

test('without a store each process counts by itself', async () => {
  const { logger } = createLog();
  const key = randomUUID();
  await using one = await openPointCounter({ limit: 10, logger });
  await using other = await openPointCounter({ limit: 10, logger });
  expect(await one.add(key, 3)).toMatchObject({ consumedPoints: 3, remainingPoints: 7 });
  expect(await one.add(key, 9)).toMatchObject({ consumedPoints: 12, remainingPoints: 0 });
  expect(await other.add(key, 1)).toMatchObject({ consumedPoints: 1, remainingPoints: 9 });
});

test('processes with the same Redis server count together', async ({ skip }) => {
  await skipWithoutRedis(skip);
  await expectCountedTogether(REDIS_URL);
});

test('processes with the same PostgreSQL database count together', async ({ skip }) => {
  await using database = await openTestDatabase();
  if (database.kind === 'embedded') return skip('the tests have no PostgreSQL server');
  await expectCountedTogether(database.url);
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  const { rows } = await client.query('select count(*)::int as count, min(expire) as expire from yata_rate_limit');
  await client.end();
  expect(rows).toEqual([{ count: 2, expire: expect.stringMatching(/^\d{13}$/) }]);
});

test.each(['redis', 'postgresql'])('while a %s server refuses connections the process counts alone', async (scheme) => {
  const { logger, events, text } = createLog();
  await using counter = await openPointCounter({ limit: 10, url: `${scheme}://yata:secret@127.0.0.1:1/0`, logger });
  for (const consumedPoints of [4, 8, 12]) expect(await counter.add('alice', 4)).toMatchObject({ consumedPoints });
  expect(events()).toEqual(['rate_limit.store_unreachable']);
  expect(text()).not.toContain('secret');
});

test.each(['redis', 'postgresql'])('a %s server that answers nothing holds up no request', async (scheme) => {
  await using silent = await startSilentServer();
  const { logger, events } = createLog();
  await using counter = await openPointCounter({
    limit: 10,
    url: `${scheme}://yata:secret@127.0.0.1:${silent.port}/0`,
    logger,
  });
  expect(await Promise.all(Array.from({ length: 5 }, () => counter.add('alice', 1)))).toMatchObject(
    [1, 2, 3, 4, 5].map((consumedPoints) => ({ consumedPoints })),
  );
  expect(events()).toEqual(['rate_limit.store_unreachable']);
});

async function expectCountedTogether(url: string): Promise<void> {
  const { logger, text } = createLog();
  const [key, other] = [randomUUID(), randomUUID()];
  // both at once: each prepares the store
  const counters = await Promise.all([1, 2].map(() => openPointCounter({ limit: 100, url, logger })));
  await using stack = new AsyncDisposableStack();
  for (const counter of counters) stack.use(counter);
  const added = await Promise.all(Array.from({ length: 40 }, (_, index) => counters[index % 2]?.add(key, 3)));
  const consumed = added.map((usage) => usage?.consumedPoints ?? 0).sort((a, b) => a - b);
  expect(consumed).toEqual(Array.from({ length: 40 }, (_, index) => (index + 1) * 3));
  expect(await counters[0]?.add(other, 1)).toMatchObject({ consumedPoints: 1, remainingPoints: 99 });
  const { remainingPoints, msBeforeNext } = (await counters[1]?.add(key, 1)) ?? {};
  expect(remainingPoints).toBe(0);
  expect(msBeforeNext).toBeGreaterThan(30_000);
  expect(msBeforeNext).toBeLessThanOrEqual(60_000);
  expect(text()).toBe('');
}

/** A server that accepts connections and never sends anything. */
async function startSilentServer() {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return {
    port: address.port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
