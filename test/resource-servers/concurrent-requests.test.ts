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
};

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
  expect(await rejectedByMcp.json()).toMatchObject({ jsonrpc: '2.0', id: null, error: { data: REJECTION } });
  const othersToken = await system.getAccessToken(other, { resource });
  expect((await postMcpMessage(resource, LIST_TOOLS, { accessToken: othersToken })).status).toBe(200);

  for (const socket of [...atApi, ...atMcp]) socket.destroy();
  await delay(200);
  expect((await requestTodos(system.apiResource, forApi)).status).toBe(200);
  expect((await postMcpMessage(resource, LIST_TOOLS, { accessToken: forMcp })).status).toBe(200);
});

/** Sends requests, each without the end of its body. */
function startRequests(url: string, accessToken: string, count: number): Socket[] {
  const { hostname, port, pathname } = new URL(url);
  return Array.from({ length: count }, () => {
    const socket = connect(Number(port), hostname).on('error', () => {});
    socket.write(
      `POST ${pathname} HTTP/1.1\r\nhost: ${hostname}:${port}\r\nauthorization: Bearer ${accessToken}\r\n` +
        'content-type: application/json\r\ncontent-length: 100\r\n\r\n{',
    );
    return socket;
  });
}
