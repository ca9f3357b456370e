import Koa from 'koa';
import { pino } from 'pino';
import { afterEach, expect, test, vi } from 'vitest';
import { handleErrors, renderProblem } from './handle-errors.ts';
import { HttpError } from './http-error.ts';
import { limitRequests } from './limit-requests.ts';
import { serve } from './serve.ts';

afterEach(() => {
  vi.useRealTimers();
});

/** An app whose subjects say their names themselves. */
async function startLimited(limit: { requests: number; seconds: number }) {
  const app = new Koa();
  app.use(handleErrors({ logger: pino({ level: 'silent' }), render: renderProblem }));
  app.use((ctx, next) => {
    ctx.state.accessToken = { subject: ctx.get('subject') };
    return next();
  });
  app.use(limitRequests(limit));
  app.use((ctx) => {
    if (ctx.path === '/refused') throw new HttpError('not_found', 'no');
    if (ctx.path === '/failed') throw new Error('no');
    ctx.body = { ok: true };
  });
  const server = await serve(app.callback(), { port: 0, host: '127.0.0.1' });
  return {
    async get({ subject = 'alice', path = '/' } = {}) {
      const response = await fetch(`http://127.0.0.1:${server.port}${path}`, { headers: { subject } });
      const { headers } = response;
      return {
        status: response.status,
        policy: headers.get('ratelimit-policy'),
        limit: headers.get('ratelimit'),
        retryAfter: headers.get('retry-after'),
        type: headers.get('content-type'),
        body: await response.json(),
      };
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

test('every response says how many requests are left; the first one too many gives 429 with Retry-After', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  await using app = await startLimited({ requests: 2, seconds: 60 });
  const policy = '"default";q=2;w=60';
  expect(await app.get()).toMatchObject({ status: 200, policy, limit: '"default";r=1;t=60', retryAfter: null });
  vi.setSystemTime(Date.now() + 20_500);
  expect(await app.get()).toMatchObject({ status: 200, policy, limit: '"default";r=0;t=40', retryAfter: null });
  expect(await app.get()).toEqual({
    status: 429,
    policy,
    limit: '"default";r=0;t=40',
    retryAfter: '40',
    type: 'application/problem+json',
    body: {
      type: 'about:blank',
      title: 'Too Many Requests',
      status: 429,
      code: 'rate_limited',
      limit: 2,
      window_seconds: 60,
      detail: 'Too many requests. The limit is 2 in 60 seconds. Retry when Retry-After has passed.',
    },
  });
});

test('Retry-After is at least one second, and the count starts again afterwards', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  await using app = await startLimited({ requests: 1, seconds: 60 });
  const start = Date.now();
  await app.get();
  vi.setSystemTime(start + 59_999);
  expect(await app.get()).toMatchObject({ status: 429, limit: '"default";r=0;t=1', retryAfter: '1' });
  vi.setSystemTime(start + 60_000);
  expect(await app.get()).toMatchObject({ status: 200, limit: '"default";r=0;t=60' });
});

test('a request that is rejected or fails later is counted too', async () => {
  await using app = await startLimited({ requests: 3, seconds: 60 });
  const policy = '"default";q=3;w=60';
  expect(await app.get({ path: '/refused' })).toMatchObject({ status: 404, policy, limit: '"default";r=2;t=60' });
  expect(await app.get({ path: '/failed' })).toMatchObject({ status: 500, policy, limit: '"default";r=1;t=60' });
});

test('each subject has its own limit', async () => {
  await using app = await startLimited({ requests: 1, seconds: 60 });
  expect((await app.get({ subject: 'alice' })).status).toBe(200);
  expect((await app.get({ subject: 'alice' })).status).toBe(429);
  expect((await app.get({ subject: 'bob' })).status).toBe(200);
});

test('concurrent requests are each counted', async () => {
  await using app = await startLimited({ requests: 10, seconds: 60 });
  const answers = await Promise.all(Array.from({ length: 25 }, () => app.get()));
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(10);
  expect(answers.filter(({ status }) => status === 429)).toHaveLength(15);
});
