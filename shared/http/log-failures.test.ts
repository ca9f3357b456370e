import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { setTimeout as delay, setImmediate } from 'node:timers/promises';
import Koa from 'koa';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import * as z from 'zod';
import { AuthorizationServerUnavailableError } from '../resource-server/issuer.ts';
import { handleErrors, renderProblem } from './handle-errors.ts';
import { HttpError } from './http-error.ts';
import { logFailures } from './log-failures.ts';
import { logRequests } from './log-requests.ts';
import { parseBody } from './parse-body.ts';
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
  ['a fault of the server', new Error('a fault'), 50],
  ['an authorization server that cannot be reached', new AuthorizationServerUnavailableError('unreachable'), 50],
  ['a rejection', new HttpError('access_token_revoked', 'The access token was revoked'), 20],
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

const POST = 'POST / HTTP/1.1\r\nHost: a\r\n';
test.each([
  ['an incomplete body', `${POST}Content-Length: 10\r\n\r\nabc`],
  ['an incomplete chunk', `${POST}Transfer-Encoding: chunked\r\n\r\nff\r\nabc`],
  ['an invalid chunk size', `${POST}Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n`],
  ['an incomplete header section', 'POST / HTTP/1.1\r\nHost: a'],
  ['something that is not HTTP', '\x16\x03\x01\x02\x00\x01\x00\r\n\r\n'],
])('a client that sends %s and disconnects causes no log line of level error', async (_name, sent) => {
  const lines: string[] = [];
  const logger = pino({ level: 'info' }, { write: (line) => lines.push(line) });
  const app = new Koa();
  app.on('error', logFailures(logger));
  app.use(handleErrors({ logger, render: renderProblem }));
  app.use(parseBody(z.object({})));
  await using server = await serve(app.callback(), { port: 0, host: '127.0.0.1', drainFor: 0 });
  for (const close of [(socket: Socket) => socket.end(), (socket: Socket) => socket.resetAndDestroy()]) {
    const socket = connect(server.port, '127.0.0.1');
    socket.on('error', () => undefined).resume();
    const closed = once(socket, 'close');
    await once(socket, 'connect');
    socket.write(sent);
    // the server must have begun to read before the client disconnects
    await delay(20);
    close(socket);
    await closed;
  }
  await delay(20);
  expect(lines.filter((line) => JSON.parse(line).level >= 50)).toEqual([]);
});
