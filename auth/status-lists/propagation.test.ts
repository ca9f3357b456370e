import { setImmediate } from 'node:timers/promises';
import Koa from 'koa';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { createWaiting } from '../../shared/http/prefer-wait.ts';
import { serve } from '../../shared/http/serve.ts';
import { createPropagation } from './propagation.ts';
import { createReaders } from './readers.ts';

/** PostgreSQL rejects a longer payload of a notification. */
const MAX_PAYLOAD_BYTES = 8_000;

/** Bytes of a payload that are not the message: the id of the sender. */
const ENVELOPE_BYTES = 100;

type MessageHandler = (message: unknown, from: string) => void;

/** Creates auth processes that send each other in memory what PostgreSQL would carry. */
function createNetwork() {
  const handlers = new Map<string, MessageHandler>();
  const logger = pino({ level: 'silent' });
  return {
    handlers,
    join(id: string, { isDatabaseDown = false } = {}) {
      const peers = {
        async findPeers() {
          if (isDatabaseDown) throw new Error('the database is down');
          return [...handlers.keys()].filter((other) => other !== id);
        },
        async broadcast(messages: readonly object[]) {
          await setImmediate();
          for (const message of messages) {
            const payload = JSON.stringify(message);
            expect(Buffer.byteLength(payload)).toBeLessThan(MAX_PAYLOAD_BYTES - ENVELOPE_BYTES);
            for (const [other, handle] of handlers) if (other !== id) handle(JSON.parse(payload), id);
          }
        },
        onMessage: (handler: MessageHandler) => void handlers.set(id, handler),
      };
      const readers = createReaders({ commitTimes: () => [], observeLag: () => {} });
      const propagation = createPropagation({ readers, peers, waiting: createWaiting(), logger });
      return {
        ...propagation,
        acknowledge: (clientId: string, sequence: number, process = '') =>
          readers.acknowledge({ clientId, process, secretHash: `secret of ${clientId}` }, sequence),
        removeClient: (clientId: string) => readers.removeUnless(clientId, () => false),
      };
    },
  };
}

type AuthProcess = ReturnType<ReturnType<typeof createNetwork>['join']>;

/** Sends a request with `Prefer: wait=5` and returns its answer. */
async function waitUntilConfirmed(process: AuthProcess, sequence: number) {
  const app = new Koa();
  app.use(async (ctx) => {
    ctx.body = await process.waitUntilConfirmed(sequence, ctx);
  });
  await using server = await serve(app.callback(), { port: 0, host: '127.0.0.1' });
  const response = await fetch(`http://127.0.0.1:${server.port}`, { headers: { prefer: 'wait=5' } });
  return response.json();
}

test('a reader counts once, and has applied what it acknowledged to any process', async () => {
  const network = createNetwork();
  const [one, two, three] = [network.join('one'), network.join('two'), network.join('three')];
  one.acknowledge('api', 7);
  two.acknowledge('mcp', 6);
  two.acknowledge('moved', 5);
  three.acknowledge('moved', 7);
  expect(await one.query(7)).toEqual({ confirmed: ['api', 'moved'], pending: ['mcp'] });
  expect(await two.query(6)).toEqual({ confirmed: ['mcp', 'api', 'moved'], pending: [] });
  expect(await three.query(8)).toEqual({ confirmed: [], pending: ['moved', 'api', 'mcp'] });
});

test('a waiting request is answered when the reader of another process has applied the revocation', async () => {
  const network = createNetwork();
  const [one, two] = [network.join('one'), network.join('two')];
  one.acknowledge('api', 1);
  two.acknowledge('mcp', 0);
  const waiting = waitUntilConfirmed(one, 1);
  setTimeout(() => two.acknowledge('mcp', 1), 50);
  expect(await waiting).toEqual({ confirmed: ['api', 'mcp'], pending: [] });
});

test('hundreds of readers with long names are sent in messages that PostgreSQL accepts', async () => {
  const network = createNetwork();
  const [one, two] = [network.join('one'), network.join('two')];
  const clientIds = Array.from({ length: 200 }, (_, i) => `${i}${'a'.repeat(250)}`);
  // JSON escapes a backslash, so it needs two bytes
  const process = '\\'.repeat(100);
  for (const [i, clientId] of clientIds.entries()) two.acknowledge(clientId, i % 2, process);
  const names = clientIds.map((clientId) => `${clientId} (${process})`);
  const { confirmed, pending } = await one.query(1);
  expect(confirmed).toEqual(names.filter((_, i) => i % 2 === 1));
  expect(pending).toEqual(names.filter((_, i) => i % 2 === 0));
});

test('a process that does not answer is itself pending, and an unknown message is ignored', async () => {
  const network = createNetwork();
  const one = network.join('one');
  network.handlers.set('silent', () => network.handlers.get('one')?.({ kind: 'another version' }, 'silent'));
  one.acknowledge('api', 1);
  expect(await one.query(1)).toEqual({
    confirmed: ['api'],
    pending: ['readers of auth process silent, which did not answer'],
  });
});

test('when the other processes cannot be queried, the answer says so beside the readers of this process', async () => {
  const network = createNetwork();
  const one = network.join('one', { isDatabaseDown: true });
  one.acknowledge('api', 1);
  expect(await one.query(1)).toEqual({
    confirmed: ['api'],
    pending: ['readers of the other auth processes, which could not be queried'],
  });
});

test('a reader that acknowledges nothing new causes no message', async () => {
  const network = createNetwork();
  const [one, two] = [network.join('one'), network.join('two')];
  two.acknowledge('slow', 0);
  expect((await one.query(1)).pending).toEqual(['slow']);
  const received: unknown[] = [];
  network.handlers.set('one', (message) => void received.push(message));
  for (let requests = 0; requests < 20; requests += 1) {
    two.acknowledge('slow', 0);
    await setImmediate();
  }
  expect(received).toEqual([]);
  two.acknowledge('slow', 1);
  await expect.poll(() => received).toMatchObject([{ confirmed: ['slow'], pending: [], last: true }]);
});

test('each process of a client is a reader of its own, up to a hundred', async () => {
  const one = createNetwork().join('one');
  one.acknowledge('mcp', 7);
  for (let process = 0; process < 100; process += 1) one.acknowledge('api', 7, `host-${process}`);
  const { confirmed, pending } = await one.query(7);
  expect(pending).toEqual([]);
  expect(confirmed).toHaveLength(101);
  expect(confirmed.slice(0, 3)).toEqual(['mcp', 'api (host-0)', 'api (host-1)']);
  one.acknowledge('api', 7, 'one too many');
  expect((await one.query(7)).pending).toEqual(['api (processes beyond the first 100)']);
});

test('the readers of a client that was disabled are neither confirmed nor pending, at any process', async () => {
  const network = createNetwork();
  const [one, two] = [network.join('one'), network.join('two')];
  for (const process of [one, two]) process.acknowledge('api', 1);
  two.acknowledge('disabled', 0);
  one.acknowledge('disabled', 1, 'confirmed');
  const waiting = waitUntilConfirmed(one, 1);
  setTimeout(() => {
    one.removeClient('disabled');
    two.removeClient('disabled');
  }, 50);
  expect(await waiting).toEqual({ confirmed: ['api'], pending: [] });
});

test('when no reader has authenticated, none is confirmed or pending', async () => {
  const network = createNetwork();
  const [one] = [network.join('one'), network.join('two')];
  expect(await one.query(1)).toEqual({ confirmed: [], pending: [] });
  expect(await waitUntilConfirmed(one, 1)).toEqual({ confirmed: [], pending: [] });
});
