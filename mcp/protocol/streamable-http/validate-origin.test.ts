import Koa from 'koa';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import type { CorsOrigins } from '../../../shared/http/cors.ts';
import { handleErrors, renderProblem } from '../../../shared/http/handle-errors.ts';
import { serve } from '../../../shared/http/serve.ts';
import { getFreePort } from '../../../shared/testing/free-port.ts';
import { validateOrigin } from './validate-origin.ts';

/** The status of a request from a page of `origin`. The resource of the server has the name `host`, or its own address. */
async function statusFor(origin: string, { corsOrigins, host }: { corsOrigins?: CorsOrigins; host?: string } = {}) {
  const port = await getFreePort();
  const app = new Koa();
  app.use(handleErrors({ logger: pino({ level: 'silent' }), render: renderProblem }));
  app.use(validateOrigin(`http://${host ?? `127.0.0.1:${port}`}/mcp`, corsOrigins));
  app.use((ctx) => {
    ctx.body = { ok: true };
  });
  await using _server = await serve(app.callback(), { port, host: '127.0.0.1' });
  return (await fetch(`http://127.0.0.1:${port}/mcp`, { method: 'POST', headers: { origin } })).status;
}

const PAGE = 'https://assistant.example';

test('a page of another origin is allowed only when exactly its origin is configured', async () => {
  expect(await statusFor(PAGE)).toBe(403);
  expect(await statusFor(PAGE, { corsOrigins: new Set([PAGE]) })).toBe(200);
  for (const origin of ['http://assistant.example', `${PAGE}:8443`, `${PAGE}.evil.example`, 'null'])
    expect(await statusFor(origin, { corsOrigins: new Set([PAGE]) })).toBe(403);
});

test('when all origins are allowed, a request to another host is still rejected', async () => {
  expect(await statusFor(PAGE, { corsOrigins: '*' })).toBe(200);
  expect(await statusFor(PAGE, { corsOrigins: '*', host: 'mcp.example' })).toBe(403);
});
