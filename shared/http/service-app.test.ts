import { pino } from 'pino';
import { expect, test } from 'vitest';
import { renderProblem } from './handle-errors.ts';
import { createMetrics } from './metrics.ts';
import { serve } from './serve.ts';
import { createServiceApp } from './service-app.ts';

const INDEX = { name: 'a service', description: 'It is a test.', links: [] };

async function openService(origins?: '*') {
  const app = createServiceApp({
    index: INDEX,
    checks: { database: async () => {} },
    cors: { origins, methods: ['GET'], requestHeaders: [], responseHeaders: ['X-Request-Id'] },
    renderError: renderProblem,
    metrics: createMetrics(),
    logger: pino({ level: 'silent' }),
  });
  app.use((ctx, next) => {
    if (ctx.path === '/broken') throw new Error('a fault');
    return next();
  });
  const server = await serve(app.callback(), { port: 0, host: '127.0.0.1' });
  return {
    request: (path: string, headers = {}) => fetch(`http://127.0.0.1:${server.port}${path}`, { headers }),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

test('a service has an index, health and metrics, and an id for each request', async () => {
  await using service = await openService();
  const index = await service.request('/', { 'x-request-id': 'request-1' });
  expect(index.headers.get('x-request-id')).toBe('request-1');
  expect(await index.json()).toEqual(INDEX);
  expect((await service.request('/health/live')).status).toBe(200);
  expect(await (await service.request('/health/ready')).json()).toEqual({ status: 'ok', checks: { database: 'ok' } });
  expect(await (await service.request('/metrics')).text()).toContain('http_request_duration_seconds_count');
});

test('an error of a route and a path without a route are problems with an id', async () => {
  await using service = await openService();
  for (const [path, status, code] of [
    ['/broken', 500, 'internal_error'],
    ['/nothing', 404, 'not_found'],
  ] as const) {
    const response = await service.request(path);
    expect(response.status).toBe(status);
    expect(response.headers.get('x-request-id')).toMatch(/^[A-Za-z0-9_-]{8,64}$/);
    expect(await response.json()).toMatchObject({ status, code });
  }
});

test('a page of another origin can read a response, even an error, only where CORS is configured', async () => {
  await using closed = await openService();
  await using open = await openService('*');
  const headers = { origin: 'https://app.example' };
  expect((await closed.request('/nothing', headers)).headers.get('access-control-allow-origin')).toBeNull();
  expect((await open.request('/nothing', headers)).headers.get('access-control-allow-origin')).toBe('*');
});
