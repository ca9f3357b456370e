import { setTimeout as delay } from 'node:timers/promises';
import Koa from 'koa';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { handleErrors, renderProblem } from '../http/handle-errors.ts';
import { serve } from '../http/serve.ts';
import { limitConcurrentRequests } from './limit-concurrent-requests.ts';

/** An app that answers `/wait` when `release` is called. Its subjects say their names themselves. */
async function startLimited(max: number) {
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const app = new Koa();
  app.use(handleErrors({ logger: pino({ level: 'silent' }), render: renderProblem }));
  app.use((ctx, next) => {
    ctx.state.accessToken = { subject: ctx.get('subject') };
    return next();
  });
  app.use(limitConcurrentRequests({ max }));
  app.use(async (ctx) => {
    if (ctx.path === '/wait') await released;
    ctx.body = { ok: true };
  });
  const server = await serve(app.callback(), { port: 0, host: '127.0.0.1', drainFor: 0 });
  const url = `http://127.0.0.1:${server.port}`;
  return {
    release,
    get: (path = '/', { subject = 'alice', signal }: { subject?: string; signal?: AbortSignal } = {}) =>
      fetch(url + path, { headers: { subject }, ...(signal && { signal }) }),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

test('a subject with the most unfinished requests gets 429 for a further one, and other subjects do not', async () => {
  await using app = await startLimited(2);
  const waiting = [app.get('/wait'), app.get('/wait')];
  await delay(100);
  const rejected = await app.get();
  expect({ status: rejected.status, retryAfter: rejected.headers.get('retry-after') }).toEqual({
    status: 429,
    retryAfter: '1',
  });
  expect(await rejected.json()).toEqual({
    type: 'about:blank',
    title: 'Too Many Requests',
    status: 429,
    code: 'too_many_concurrent_requests',
    limit: 2,
    unit: 'requests',
    detail: 'Too many concurrent requests. The limit is 2. Read the responses, then retry.',
  });
  expect((await app.get('/', { subject: 'bob' })).status).toBe(200);
  app.release();
  expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([200, 200]);
  expect((await app.get()).status).toBe(200);
});

test('a request whose client disconnects is finished', async () => {
  await using app = await startLimited(2);
  const disconnecting = new AbortController();
  const waiting = [1, 2].map(() => app.get('/wait', { signal: disconnecting.signal }));
  await delay(100);
  expect((await app.get()).status).toBe(429);
  disconnecting.abort();
  await Promise.allSettled(waiting);
  await delay(100);
  expect((await app.get()).status).toBe(200);
  app.release();
});
