import Koa from 'koa';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { healthRoutes } from './health.ts';
import { serve } from './serve.ts';

test('a check that does not end counts as failed, and the others are still reported', async () => {
  const checks = { database: () => new Promise(() => {}), issuer: async () => {} };
  const app = new Koa();
  app.use(healthRoutes({ checks, logger: pino({ level: 'silent' }), timeout: 50 }).routes());
  await using server = await serve(app.callback(), { port: 0, host: '127.0.0.1' });
  const response = await fetch(`http://127.0.0.1:${server.port}/health/ready`);
  expect(response.status).toBe(503);
  expect(await response.json()).toEqual({ status: 'unavailable', checks: { database: 'unavailable', issuer: 'ok' } });
});
