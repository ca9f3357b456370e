import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { LIST_TOOLS } from '../support/mcp-messages.ts';
import { postMcpMessage } from '../support/post-mcp-message.ts';
import { requestTodos } from '../support/request-todos.ts';
import { startSystem } from '../support/start-system.ts';

const REJECTION = {
  code: 'too_many_concurrent_requests',
  limit: 100,
  unit: 'requests',
};

const LARGE_BODY_REJECTION = { ...REJECTION, limit: 10, unit: 'large_bodies' };

test('api and mcp accept 100 unfinished requests of a subject, and reject more with 429', async () => {
  await using system = await startSystem();
  const [busy, other] = [await system.registerClient(), await system.registerClient()];
  const resource = system.mcpResource;

  const forApi = await system.getAccessToken(busy);
  const atApi = startRequests(`${system.apiResource}/todos`, forApi, 100);
  await delay(500);
  const rejected = await requestTodos(system.apiResource, forApi);
  expect([rejected.status, rejected.headers.get('retry-after')]).toEqual([429, '1']);
  expect(await rejected.json()).toMatchObject(REJECTION);
  expect((await requestTodos(system.apiResource, await system.getAccessToken(other))).status).toBe(200);

  const forMcp = await system.getAccessToken(busy, { resource });
  const atMcp = startRequests(resource, forMcp, 100);
  await delay(500);
  const rejectedByMcp = await postMcpMessage(resource, LIST_TOOLS, { accessToken: forMcp });
  expect([rejectedByMcp.status, rejectedByMcp.headers.get('retry-after')]).toEqual([429, '1']);
  // it costs points, as at api
  expect(rejectedByMcp.headers.get('ratelimit')).toMatch(/^"default";r=2989;/);
  expect(await rejectedByMcp.json()).toMatchObject({ jsonrpc: '2.0', id: null, error: { data: REJECTION } });
  const othersToken = await system.getAccessToken(other, { resource });
  expect((await postMcpMessage(resource, LIST_TOOLS, { accessToken: othersToken })).status).toBe(200);

  for (const socket of [...atApi, ...atMcp]) socket.destroy();
  await delay(200);
  expect((await requestTodos(system.apiResource, forApi)).status).toBe(200);
  expect((await postMcpMessage(resource, LIST_TOOLS, { accessToken: forMcp })).status).toBe(200);
});

test('api and mcp accept ten unfinished requests of a subject with a large body, and reject more with 429', async () => {
  await using system = await startSystem();
  const busy = await system.registerClient();
  const [api, resource] = [`${system.apiResource}/todos/batch`, system.mcpResource];
  const [forApi, forMcp] = [await system.getAccessToken(busy), await system.getAccessToken(busy, { resource })];
  const sockets = [
    ...startRequests(api, forApi, 5, 'content-length: 100001'),
    ...startRequests(api, forApi, 5, 'transfer-encoding: chunked'),
    ...startRequests(resource, forMcp, 10, 'content-length: 100001'),
  ];
  await delay(500);
  const batch = JSON.stringify({ operations: [{ op: 'create', todo: { title: 'a' } }] });
  const sendBatch = (length: number) =>
    fetch(api, {
      method: 'POST',
      headers: { authorization: `Bearer ${forApi}`, 'content-type': 'application/json' },
      body: batch.padEnd(length),
    });
  const rejected = await sendBatch(100_001);
  expect([rejected.status, await rejected.json()]).toMatchObject([429, LARGE_BODY_REJECTION]);
  const padded = { ...LIST_TOOLS, params: { _meta: { padding: 'a'.repeat(100_000) } } };
  const rejectedByMcp = await postMcpMessage(resource, padded, { accessToken: forMcp });
  expect([rejectedByMcp.status, await rejectedByMcp.json()]).toMatchObject([
    429,
    { error: { data: LARGE_BODY_REJECTION } },
  ]);
  // a smaller body does not count
  expect((await sendBatch(100_000)).status).toBe(200);
  expect((await postMcpMessage(resource, LIST_TOOLS, { accessToken: forMcp })).status).toBe(200);
  for (const socket of sockets) socket.destroy();
  await delay(200);
  expect((await sendBatch(100_001)).status).toBe(200);
  expect((await postMcpMessage(resource, padded, { accessToken: forMcp })).status).toBe(200);
});

/** Sends requests, each without the end of its body. */
function startRequests(url: string, accessToken: string, count: number, framing = 'content-length: 100'): Socket[] {
  const { hostname, port, pathname } = new URL(url);
  return Array.from({ length: count }, () => {
    const socket = connect(Number(port), hostname).on('error', () => {});
    socket.write(
      `POST ${pathname} HTTP/1.1\r\nhost: ${hostname}:${port}\r\nauthorization: Bearer ${accessToken}\r\n` +
        `content-type: application/json\r\n${framing}\r\n\r\n`,
    );
    return socket;
  });
}
