import Koa from 'koa';
import { pino } from 'pino';
import { afterEach, expect, test, vi } from 'vitest';
import { handleErrors, renderProblem } from '../http/handle-errors.ts';
import { HttpError } from '../http/http-error.ts';
import { serve } from '../http/serve.ts';
import { openPointCounter } from './point-counter.ts';
import { createRateLimit } from './rate-limit.ts';

afterEach(() => {
  vi.useRealTimers();
});

/** An app whose subjects say their names themselves. */
async function startLimited(limit: number) {
  const logger = pino({ level: 'silent' });
  const rateLimit = createRateLimit(await openPointCounter({ limit, logger }));
  const app = new Koa();
  app.use(handleErrors({ logger, render: renderProblem }));
  app.use((ctx, next) => {
    ctx.state.accessToken = { subject: ctx.get('subject') };
    return next();
  });
  app.use(rateLimit.limitRequests);
  app.use(async (ctx) => {
    await rateLimit.spend(ctx, Number(ctx.query.spend ?? 0));
    await rateLimit.charge(ctx, Number(ctx.query.charge ?? 0));
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

test('every response says how many points are left; the first one too many gives 429 with Retry-After', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  await using app = await startLimited(2);
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
      detail: 'Too many requests. The limit is 2 points in 60 seconds. Retry when Retry-After has passed.',
    },
  });
});

test('Retry-After is at least one second, and the count starts again afterwards', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  await using app = await startLimited(1);
  const start = Date.now();
  await app.get();
  vi.setSystemTime(start + 59_999);
  expect(await app.get()).toMatchObject({ status: 429, limit: '"default";r=0;t=1', retryAfter: '1' });
  vi.setSystemTime(start + 60_000);
  expect(await app.get()).toMatchObject({ status: 200, limit: '"default";r=0;t=60' });
});

test('a request that is rejected or fails later is counted too', async () => {
  await using app = await startLimited(3);
  const policy = '"default";q=3;w=60';
  expect(await app.get({ path: '/refused' })).toMatchObject({ status: 404, policy, limit: '"default";r=2;t=60' });
  expect(await app.get({ path: '/failed' })).toMatchObject({ status: 500, policy, limit: '"default";r=1;t=60' });
});

test('each subject has its own limit', async () => {
  await using app = await startLimited(1);
  expect((await app.get({ subject: 'alice' })).status).toBe(200);
  expect((await app.get({ subject: 'alice' })).status).toBe(429);
  expect((await app.get({ subject: 'bob' })).status).toBe(200);
});

test('concurrent requests are each counted', async () => {
  await using app = await startLimited(10);
  const answers = await Promise.all(Array.from({ length: 25 }, () => app.get()));
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(10);
  expect(answers.filter(({ status }) => status === 429)).toHaveLength(15);
});

test('work that costs more is counted before it is done, and rejected when the points do not suffice', async () => {
  await using app = await startLimited(10);
  expect(await app.get({ path: '/?spend=4' })).toMatchObject({ status: 200, limit: '"default";r=5;t=60' });
  expect(await app.get({ path: '/?spend=5' })).toMatchObject({ status: 429, limit: '"default";r=0;t=60' });
  // the points of the rejected request are counted, so the next one is rejected too
  expect(await app.get()).toMatchObject({ status: 429, retryAfter: '60' });
});

test('a request that costs more than the whole limit succeeds when nothing was counted before', async () => {
  await using app = await startLimited(10);
  expect(await app.get({ path: '/?spend=500' })).toMatchObject({ status: 200, limit: '"default";r=0;t=60' });
  expect(await app.get()).toMatchObject({ status: 429 });
});

test('points that are counted afterwards do not reject their own request', async () => {
  await using app = await startLimited(10);
  expect(await app.get({ path: '/?charge=50' })).toMatchObject({ status: 200, limit: '"default";r=0;t=60' });
  expect(await app.get()).toMatchObject({ status: 429, retryAfter: '60' });
  expect(await app.get({ subject: 'bob' })).toMatchObject({ status: 200 });
});
