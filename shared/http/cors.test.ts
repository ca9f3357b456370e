import Koa from 'koa';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { type CorsOrigins, cors } from './cors.ts';
import { handleErrors, renderProblem } from './handle-errors.ts';
import { HttpError } from './http-error.ts';
import { serve } from './serve.ts';

const APP = 'https://app.example';

async function startSharing(origins: CorsOrigins = new Set([APP, 'http://localhost:5173'])) {
  const app = new Koa();
  app.use(
    cors({
      origins,
      methods: ['GET', 'PATCH'],
      requestHeaders: ['Authorization', 'If-Match'],
      responseHeaders: ['ETag', 'Link'],
    }),
  );
  app.use(handleErrors({ logger: pino({ level: 'silent' }), render: renderProblem }));
  app.use((ctx) => {
    if (ctx.path === '/refused')
      throw new HttpError('access_token_missing', 'no', {
        headers: { 'www-authenticate': 'Bearer scope="todos:read"' },
      });
    if (ctx.path === '/failed') throw new Error('no');
    if (ctx.path === '/') ctx.body = { ok: true };
  });
  const server = await serve(app.callback(), { port: 0, host: '127.0.0.1' });
  return {
    async send(headers: Record<string, string>, { method = 'GET', path = '/' } = {}) {
      const response = await fetch(`http://127.0.0.1:${server.port}${path}`, { method, headers });
      const corsHeaders = [...response.headers].filter(([name]) => name.startsWith('access-control-'));
      return {
        status: response.status,
        vary: response.headers.get('vary'),
        challenge: response.headers.get('www-authenticate'),
        cors: Object.fromEntries(corsHeaders),
        text: await response.text(),
      };
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

const preflight = { 'access-control-request-method': 'PATCH', 'access-control-request-headers': 'authorization' };

test.each([APP, 'http://localhost:5173'])(
  'a page of %s can read the response and the exposed headers',
  async (origin) => {
    await using app = await startSharing();
    expect(await app.send({ origin })).toMatchObject({
      status: 200,
      vary: 'Origin',
      cors: { 'access-control-allow-origin': origin, 'access-control-expose-headers': 'ETag, Link' },
      text: '{"ok":true}',
    });
  },
);

test('a preflight request is answered without credentials', async () => {
  await using app = await startSharing();
  expect(await app.send({ origin: APP, ...preflight }, { method: 'OPTIONS', path: '/refused' })).toEqual({
    status: 204,
    vary: 'Origin',
    challenge: null,
    cors: {
      'access-control-allow-origin': APP,
      'access-control-allow-methods': 'GET, PATCH',
      'access-control-allow-headers': 'Authorization, If-Match',
      'access-control-max-age': '600',
    },
    text: '',
  });
});

test.each([
  ['/refused', 401, 'Bearer scope="todos:read"'],
  ['/failed', 500, null],
  ['/nothing', 404, null],
])('a page can read the error response of %s', async (path, status, challenge) => {
  await using app = await startSharing();
  expect(await app.send({ origin: APP }, { path })).toMatchObject({
    status,
    challenge,
    vary: 'Origin',
    cors: { 'access-control-allow-origin': APP, 'access-control-expose-headers': 'ETag, Link' },
  });
});

test.each([
  'https://evil.example',
  'http://app.example',
  'https://app.example:8443',
  'https://app.example.evil.example',
  'https://sub.app.example',
  'null',
])('a page of %s cannot read responses, and its preflight request allows nothing', async (origin) => {
  await using app = await startSharing();
  const answers = [
    await app.send({ origin }),
    await app.send({ origin }, { path: '/refused' }),
    await app.send({ origin, ...preflight }, { method: 'OPTIONS' }),
  ];
  for (const { vary, cors } of answers) expect({ vary, cors }).toEqual({ vary: 'Origin', cors: {} });
});

test('a client that is not a page gets the usual response, with Vary: Origin', async () => {
  await using app = await startSharing();
  expect(await app.send({})).toEqual({ status: 200, vary: 'Origin', challenge: null, cors: {}, text: '{"ok":true}' });
});

test('an OPTIONS request that is not a preflight request is passed on', async () => {
  await using app = await startSharing();
  expect(await app.send({ origin: APP }, { method: 'OPTIONS', path: '/nothing' })).toMatchObject({ status: 404 });
});

test('* allows every page', async () => {
  await using app = await startSharing('*');
  expect(await app.send({ origin: 'https://any.example' })).toMatchObject({
    status: 200,
    vary: 'Origin',
    cors: { 'access-control-allow-origin': '*', 'access-control-expose-headers': 'ETag, Link' },
  });
  const allowed = await app.send({ origin: 'https://any.example', ...preflight }, { method: 'OPTIONS' });
  expect(allowed).toMatchObject({ status: 204, cors: { 'access-control-allow-origin': '*' } });
  expect(allowed.cors).not.toHaveProperty('access-control-allow-credentials');
});
