import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, type TestContext, test } from 'vitest';
import { readApiConfig } from '../../api/config.ts';
import { startApi } from '../../api/main.ts';
import { getFreePort } from '../../shared/testing/free-port.ts';
import { LIST_TOOLS } from '../support/mcp-messages.ts';
import { postMcpMessage } from '../support/post-mcp-message.ts';
import { requestTodos } from '../support/request-todos.ts';
import { startBlockableProxy } from '../support/start-blockable-proxy.ts';
import { startSystem } from '../support/start-system.ts';

/** Where a Redis server is looked for. */
const REDIS = new URL(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379');

async function skipWithoutRedis(skip: TestContext['skip']): Promise<void> {
  const reachable = await new Promise<boolean>((resolve) => {
    const socket = connect(Number(REDIS.port), REDIS.hostname, () => {
      socket.destroy();
      resolve(true);
    }).on('error', () => resolve(false));
  });
  skip(!reachable, `no Redis server at ${REDIS.host}`);
}

test('api and mcp processes with one store have one limit for each subject', async ({ skip }) => {
  await skipWithoutRedis(skip);
  await using system = await startSystem({ API_RATE_LIMIT: '4', RATE_LIMIT_URL: REDIS.href });
  const port = String(await getFreePort());
  await using _second = await startApi(readApiConfig({ ...system.environment, API_PORT: port }), system.database);
  const secondApi = system.apiResource.replace(/:\d+/, `:${port}`);
  const client = await system.registerClient();
  const forApi = await system.getAccessToken(client);
  const forMcp = await system.getAccessToken(client, { resource: system.mcpResource });
  const seen = [
    await requestTodos(system.apiResource, forApi),
    await requestTodos(secondApi, forApi),
    await postMcpMessage(system.mcpResource, LIST_TOOLS, { accessToken: forMcp }),
    await requestTodos(secondApi, forApi),
    await requestTodos(system.apiResource, forApi),
    await requestTodos(secondApi, forApi),
    await postMcpMessage(system.mcpResource, LIST_TOOLS, { accessToken: forMcp }),
    await postMcpMessage(system.mcpResource, LIST_TOOLS, { accessToken: forMcp }),
  ];
  // mcp learns that there are no points left when it counts a request, which it does after that request
  expect(seen.map(({ status }) => status)).toEqual([200, 200, 200, 200, 429, 429, 200, 429]);
  expect(seen.slice(0, 4).map(({ headers }) => headers.get('ratelimit'))).toEqual(
    [3, 2, 1, 0].map((left) => expect.stringMatching(new RegExp(`^"default";r=${left};t=\\d+$`))),
  );
});

test('while the store is unreachable each process counts alone, and afterwards they count together again', async ({
  skip,
}) => {
  await skipWithoutRedis(skip);
  await using proxy = await startBlockableProxy(Number(REDIS.port));
  const url = proxy.url.replace('http:', 'redis:');
  await using system = await startSystem({ API_RATE_LIMIT: '1000', RATE_LIMIT_URL: url });
  const token = await system.getAccessToken(await system.registerClient());
  const left = async () => {
    const { status, headers } = await requestTodos(system.apiResource, token);
    expect(status).toBe(200);
    return Number(/r=(\d+)/.exec(headers.get('ratelimit') ?? '')?.[1]);
  };
  expect([await left(), await left()]).toEqual([999, 998]);
  proxy.block();
  // a count of its own
  expect([await left(), await left(), await left()]).toEqual([999, 998, 997]);
  proxy.unblock();
  let now = 0;
  // the count in the store was 998 when it was last reached; the client needs some seconds to connect again
  for (let attempt = 0; attempt < 50 && now !== 997; attempt += 1) {
    await delay(200);
    now = await left();
    if (attempt > 40) break;
  }
  expect(now).toBe(997);
});
