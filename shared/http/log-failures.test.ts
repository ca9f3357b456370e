import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import Koa from 'koa';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { HttpError } from './http-error.ts';
import { logFailures } from './log-failures.ts';
import { logRequests } from './log-requests.ts';
import { serve } from './serve.ts';

/** What is logged of an answer that breaks off. */
async function logOf(failure: Error) {
  const lines: string[] = [];
  const logger = pino({ level: 'debug' }, { write: (line) => lines.push(line) });
  const app = new Koa();
  app.on('error', logFailures(logger));
  app.use((ctx, next) => {
    ctx.state.accessToken = { subject: 'alice', clientId: 'program', jti: 'one' };
    return next();
  });
  app.use(logRequests(logger));
  app.use((ctx) => {
    ctx.body = Readable.from(
      (async function* () {
        yield 'the beginning';
        throw failure;
      })(),
    );
  });
  await using server = await serve(app.callback(), { port: 0, host: '127.0.0.1', drainFor: 0 });
  await expect(fetch(`http://127.0.0.1:${server.port}/here`).then((response) => response.text())).rejects.toThrow();
  await expect.poll(() => lines.length).toBeGreaterThanOrEqual(2);
  return lines.map((line) => JSON.parse(line));
}

test.each([
  ['a fault of ours', new Error('the database is away'), 50],
  ['a refusal', new HttpError('access_token_revoked', 'The access token was revoked'), 20],
])('a response that breaks off by %s is not logged as complete', async (_what, failure, level) => {
  const logged = await logOf(failure);
  expect(logged).toContainEqual(expect.objectContaining({ level, path: '/here', err: expect.anything() }));
  const request = logged.find(({ msg }) => msg === 'request');
  expect(request).toMatchObject({ aborted: true, jti: 'one' });
  expect(request).not.toHaveProperty('status');
});

test('a client that disconnects is logged at debug', async () => {
  const lines: string[] = [];
  const logger = pino({ level: 'debug' }, { write: (line) => lines.push(line) });
  const app = new Koa();
  app.on('error', logFailures(logger));
  app.use((ctx) => {
    ctx.body = Readable.from(
      (async function* () {
        while (true) {
          yield 'x'.repeat(10_000);
          await setImmediate();
        }
      })(),
    );
  });
  await using server = await serve(app.callback(), { port: 0, host: '127.0.0.1', drainFor: 0 });
  const hungUp = new AbortController();
  await fetch(`http://127.0.0.1:${server.port}/`, { signal: hungUp.signal });
  hungUp.abort();
  await expect.poll(() => lines.length).toBe(1);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 20, event: 'connection.failed', msg: 'connection failed' });
});
