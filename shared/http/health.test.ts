import Koa from 'koa';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { createShutdown } from '../shutdown.ts';
import { healthRoutes, type ReadinessChecks } from './health.ts';
import { serve } from './serve.ts';

async function open(checks: ReadinessChecks) {
  const lines: unknown[] = [];
  const logger = pino({ level: 'info' }, { write: (line: string) => lines.push(JSON.parse(line)) });
  const app = new Koa();
  app.use(healthRoutes({ checks, logger, timeout: 50 }).routes());
  const server = await serve(app.callback(), { port: 0, host: '127.0.0.1' });
  return {
    lines,
    async ready() {
      const response = await fetch(`http://127.0.0.1:${server.port}/health/ready`);
      return { status: response.status, body: await response.json() };
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

const OK = { status: 200, body: { status: 'ok', checks: { database: 'ok' } } };
const UNAVAILABLE = { status: 503, body: { status: 'unavailable', checks: { database: 'unavailable' } } };

test('a check that does not end counts as failed, and the others are still reported', async () => {
  await using opened = await open({ database: () => new Promise(() => {}), issuer: async () => {} });
  expect(await opened.ready()).toEqual({
    status: 503,
    body: { status: 'unavailable', checks: { database: 'unavailable', issuer: 'ok' } },
  });
});

test('a process that stops is not ready, and its checks are not reported as failing', async () => {
  const shutdown = createShutdown();
  await using opened = await open({ process: shutdown.check });
  expect(await opened.ready()).toMatchObject({ status: 200, body: { checks: { process: 'ok' } } });
  await shutdown.begin('SIGTERM');
  const unavailable = { status: 503, body: { status: 'unavailable', checks: { process: 'unavailable' } } };
  await expect.poll(opened.ready, { timeout: 5_000 }).toEqual(unavailable);
  expect(opened.lines).toEqual([expect.objectContaining({ level: 30, event: 'server.stopping' })]);
});

test('all requests of about a second share one run of the checks', async () => {
  let runs = 0;
  await using opened = await open({
    database: async () => {
      runs += 1;
    },
  });
  const answers = await Promise.all(Array.from({ length: 50 }, () => opened.ready()));
  for (const answer of [...answers, await opened.ready()]) expect(answer).toEqual(OK);
  expect(runs).toBe(1);
  await expect.poll(async () => [await opened.ready(), runs], { timeout: 3_000 }).toEqual([OK, 2]);
});

test('a check that still runs is not started again', async () => {
  let runs = 0;
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  await using opened = await open({
    database: () => {
      runs += 1;
      return ended;
    },
  });
  const began = performance.now();
  while (performance.now() - began < 1_300) expect(await opened.ready()).toEqual(UNAVAILABLE);
  expect(runs).toBe(1);
  end();
  await expect.poll(() => opened.ready(), { timeout: 3_000 }).toEqual(OK);
  expect(runs).toBe(2);
});

test('the log has a line when a check begins to fail and when it passes again, and none for each failure', async () => {
  let runs = 0;
  let isReachable = false;
  await using opened = await open({
    database: async () => {
      runs += 1;
      if (!isReachable) throw new Error('unreachable');
    },
  });
  await expect
    .poll(
      async () => {
        expect(await opened.ready()).toEqual(UNAVAILABLE);
        return runs;
      },
      { timeout: 3_000 },
    )
    .toBe(2);
  isReachable = true;
  await expect.poll(() => opened.ready(), { timeout: 3_000 }).toEqual(OK);
  expect(opened.lines).toMatchObject([
    { level: 40, event: 'readiness.failed', check: 'database', err: { message: 'unreachable' } },
    { level: 30, event: 'readiness.recovered', check: 'database' },
  ]);
});
