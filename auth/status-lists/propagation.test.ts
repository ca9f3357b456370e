import { setImmediate } from 'node:timers/promises';
import Koa from 'koa';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { createWaiting } from '../../shared/http/prefer-wait.ts';
import { serve } from '../../shared/http/serve.ts';
import { createPropagation } from './propagation.ts';
import { createReaders } from './readers.ts';

/** PostgreSQL takes no longer payload of a notification. */
const LONGEST_PAYLOAD = 8_000;

/** Processes that tell each other through memory what PostgreSQL would carry. */
function createNetwork() {
  const hearers = new Map<string, (message: unknown, from: string) => void>();
  const logger = pino({ level: 'silent' });
  return {
    hearers,
    join(id: string, { failing = false } = {}) {
      const peers = {
        async findPeers() {
          if (failing) throw new Error('the database is away');
          return [...hearers.keys()].filter((other) => other !== id);
        },
        async broadcast(messages: readonly object[]) {
          await setImmediate();
          for (const message of messages) {
            const payload = JSON.stringify(message);
            expect(Buffer.byteLength(payload)).toBeLessThan(LONGEST_PAYLOAD - 100);
            for (const [other, hear] of hearers) if (other !== id) hear(JSON.parse(payload), id);
          }
        },
        onMessage: (hearer: (message: unknown, from: string) => void) => void hearers.set(id, hearer),
      };
      const readers = createReaders({
        committedBetween: () => [],
        observeLag: () => {},
        acknowledged: () => confirmations.acknowledged(),
      });
      const confirmations = createPropagation({ readers, peers, waiting: createWaiting(), logger });
      return { ...confirmations, acknowledge: readers.acknowledge };
    },
  };
}

/** Waits as a request with `Prefer: wait=5` does. */
async function waitFor(process: ReturnType<ReturnType<typeof createNetwork>['join']>, sequence: number) {
  const app = new Koa();
  app.use(async (ctx) => {
    ctx.body = await process.waitFor(sequence, ctx);
  });
  await using server = await serve(app.callback(), { port: 0, host: '127.0.0.1' });
  const response = await fetch(`http://127.0.0.1:${server.port}`, { headers: { prefer: 'wait=5' } });
  return response.json();
}

test('the readers of every process are counted, each once, and have applied what they told any of them', async () => {
  const network = createNetwork();
  const [one, two, three] = [network.join('one'), network.join('two'), network.join('three')];
  one.acknowledge('api', 7);
  two.acknowledge('mcp', 6);
  two.acknowledge('moved', 5);
  three.acknowledge('moved', 7);
  expect(await one.find(7)).toEqual({ confirmed: ['api', 'moved'], pending: ['mcp'] });
  expect(await two.find(6)).toEqual({ confirmed: ['mcp', 'api', 'moved'], pending: [] });
  expect(await three.find(8)).toEqual({ confirmed: [], pending: ['moved', 'api', 'mcp'] });
});

test('whoever waits is told when the reader of another process has applied it', async () => {
  const network = createNetwork();
  const [one, two] = [network.join('one'), network.join('two')];
  one.acknowledge('api', 1);
  two.acknowledge('mcp', 0);
  const waiting = waitFor(one, 1);
  setTimeout(() => two.acknowledge('mcp', 1), 50);
  expect(await waiting).toEqual({ confirmed: ['api', 'mcp'], pending: [] });
});

test('hundreds of readers with long names are told in messages that are short enough', async () => {
  const network = createNetwork();
  const [one, two] = [network.join('one'), network.join('two')];
  const names = Array.from({ length: 200 }, (_, i) => `${i}${'é'.repeat(190)}`);
  for (const [i, name] of names.entries()) two.acknowledge(name, i % 2);
  const { confirmed, pending } = await one.find(1);
  expect(confirmed).toEqual(names.filter((_, i) => i % 2 === 1));
  expect(pending).toEqual(names.filter((_, i) => i % 2 === 0));
});

test('a process that does not answer is itself pending, and one that says something else is not minded', async () => {
  const network = createNetwork();
  const one = network.join('one');
  network.hearers.set('silent', () => network.hearers.get('one')?.({ kind: 'another version' }, 'silent'));
  one.acknowledge('api', 1);
  expect(await one.find(1)).toEqual({
    confirmed: ['api'],
    pending: ['the readers of auth process silent, which does not answer'],
  });
});

test('when the other peers cannot be asked, that is told beside what is known here', async () => {
  const network = createNetwork();
  const one = network.join('one', { failing: true });
  one.acknowledge('api', 1);
  expect(await one.find(1)).toEqual({
    confirmed: ['api'],
    pending: ['the readers of other auth peers, which could not be asked'],
  });
});

test('a reader that asks again and again without news is told to nobody again', async () => {
  const network = createNetwork();
  const [one, two] = [network.join('one'), network.join('two')];
  two.acknowledge('slow', 0);
  expect((await one.find(1)).pending).toEqual(['slow']);
  const told: unknown[] = [];
  network.hearers.set('one', (message) => void told.push(message));
  for (let asks = 0; asks < 20; asks += 1) {
    two.acknowledge('slow', 0);
    await setImmediate();
  }
  expect(told).toEqual([]);
  two.acknowledge('slow', 1);
  await expect.poll(() => told).toMatchObject([{ confirmed: ['slow'], pending: [], last: true }]);
});

test('where more readers ask than are kept count of, not all have confirmed', async () => {
  const process = createNetwork().join('one');
  for (let reader = 0; reader < 10_000; reader += 1) process.acknowledge(`reader ${reader}`, 7);
  expect((await process.find(7)).pending).toEqual([]);
  process.acknowledge('one too many', 0);
  expect((await process.find(7)).pending).toEqual(['readers beyond the first 10000']);
});
