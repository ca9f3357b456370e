import { type IncomingMessage, request } from 'node:http';
import { json } from 'node:stream/consumers';
import Koa from 'koa';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import * as z from 'zod';
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
  app.use(validateOrigin(`http://${host ?? `127.0.0.1:${port}`}/mcp`, corsOrigins && { corsOrigins }));
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

/** The response to a request with any Host header, which `fetch` would set itself. */
async function answerTo(host: string, resource: string, allowedHosts?: readonly string[]) {
  const app = new Koa();
  app.use(handleErrors({ logger: pino({ level: 'silent' }), render: renderProblem }));
  app.use(validateOrigin(resource, allowedHosts && { allowedHosts }));
  app.use((ctx) => {
    ctx.body = { ok: true };
  });
  await using server = await serve(app.callback(), { port: 0, host: '127.0.0.1' });
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request({ host: '127.0.0.1', port: server.port, headers: { host } }, resolve).on('error', reject).end();
  });
  return { status: response.statusCode, body: z.record(z.string(), z.unknown()).parse(await json(response)) };
}

test.each([
  ['https://mcp.example/mcp', 'mcp.example'],
  ['https://mcp.example/mcp', 'mcp.example:443'],
  ['https://mcp.example/mcp', 'MCP.Example'],
  ['https://mcp.example/mcp', 'mcp.example.:443'],
  ['http://mcp.example/mcp', 'mcp.example:80'],
  ['https://mcp.example:8443/mcp', 'mcp.example:8443'],
  ['http://[::1]:3002/mcp', '[::1]:3002'],
])('a request to %s may name the host %s', async (resource, host) => {
  expect(await answerTo(host, resource)).toMatchObject({ status: 200 });
});

test.each([
  ['https://mcp.example/mcp', 'mcp.example:80'],
  ['http://mcp.example/mcp', 'mcp.example:443'],
  ['https://mcp.example/mcp', 'mcp.example:8443'],
  ['https://mcp.example:8443/mcp', 'mcp.example'],
  ['https://mcp.example/mcp', 'evil.mcp.example'],
  ['https://mcp.example/mcp', 'mcp.example.evil.example'],
])('a request to %s may not name the host %s, and the response says what is expected', async (resource, host) => {
  expect(await answerTo(host, resource)).toMatchObject({
    status: 403,
    body: {
      code: 'host_not_allowed',
      detail: `host: expected ${new URL(resource).host}, not ${host}. The operator of this server can allow other hosts (MCP_ALLOWED_HOSTS)`,
    },
  });
});

test('further hosts can be allowed', async () => {
  const resource = 'https://mcp.example/mcp';
  for (const host of ['mcp:3002', 'MCP:3002', 'inner.example', 'inner.example:443', 'mcp.example'])
    expect([host, (await answerTo(host, resource, ['mcp:3002', 'inner.example'])).status]).toEqual([host, 200]);
  for (const host of ['mcp', 'mcp:3003', 'inner.example:80', 'evil.example'])
    expect([host, (await answerTo(host, resource, ['mcp:3002', 'inner.example'])).status]).toEqual([host, 403]);
});

test('a host that a text should not repeat is not in the response', async () => {
  const { body } = await answerTo('evil"<b>.example', 'https://mcp.example/mcp');
  expect(body.detail).toBe(
    'host: expected mcp.example, not another. The operator of this server can allow other hosts (MCP_ALLOWED_HOSTS)',
  );
});
