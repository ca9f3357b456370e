import { setTimeout as delay } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { readApiConfig } from '../../api/config.ts';
import { startApi } from '../../api/main.ts';
import { readAuthConfig } from '../../auth/config.ts';
import { authDatabase } from '../../auth/database/definition.ts';
import { startAuth } from '../../auth/main.ts';
import { openOrm } from '../../shared/database/orm.ts';
import { getFreePort } from '../../shared/testing/free-port.ts';
import { createToolCall } from '../support/mcp-messages.ts';
import { postAsClient } from '../support/post-as-client.ts';
import { postMcpMessage } from '../support/post-mcp-message.ts';
import { requestAccessToken } from '../support/request-access-token.ts';
import { requestTodos } from '../support/request-todos.ts';
import { startBlockableProxy } from '../support/start-blockable-proxy.ts';
import { findPostgresqlPrograms, startPostgresql } from '../support/start-postgresql.ts';
import { startSystem, type TestClient } from '../support/start-system.ts';

const postgresqlPrograms = findPostgresqlPrograms();
const NO_POSTGRESQL = 'no PostgreSQL server is installed';

test('a restart of PostgreSQL under load causes 503 responses, but no wrong responses', async ({ skip }) => {
  if (postgresqlPrograms === undefined) return skip(NO_POSTGRESQL);
  await using cluster = await startPostgresql(postgresqlPrograms);
  vi.stubEnv('TEST_DATABASE_URL', cluster.url);
  await using system = await startSystem().finally(() => vi.unstubAllEnvs());
  const { issuer, apiResource, mcpResource } = system;
  const client = await system.registerClient();
  const secondPort = await getFreePort();
  const second = `http://127.0.0.1:${secondPort}`;
  await using _second = await startAuth(
    readAuthConfig({ ...system.environment, AUTH_PORT: String(secondPort) }),
    system.database,
  );
  const [forApi, forMcp, revoked] = [
    await requestAccessToken(issuer, client),
    await requestAccessToken(issuer, client, { resource: mcpResource }),
    await requestAccessToken(issuer, client),
  ];
  const spare = await Promise.all(Array.from({ length: 300 }, () => requestAccessToken(issuer, client)));
  await revoke(issuer, client, revoked);
  await vi.waitFor(async () => expect((await requestTodos(apiResource, revoked)).status).toBe(401), {
    timeout: 10_000,
    interval: 5,
  });
  expect((await callTool(mcpResource, forMcp)).status).toBe(200);

  const seen = {
    api: new Set<string>(),
    revoked: new Set<string>(),
    mcp: new Set<string>(),
    revoke: new Set<string>(),
  };
  const acknowledged: string[] = [];
  let isLoading = true;
  const describe = ({ status, headers }: Response) => `${status}${headers.has('retry-after') ? ' retry' : ''}`;
  const repeat = async (request: () => Promise<void>) => {
    while (isLoading) {
      await request();
      await delay(10);
    }
  };
  const load = [
    repeat(async () => void seen.api.add(describe(await requestTodos(apiResource, forApi)))),
    repeat(async () => void seen.revoked.add(describe(await requestTodos(apiResource, revoked)))),
    repeat(async () => void seen.mcp.add(describe(await callTool(mcpResource, forMcp)))),
    repeat(async () => {
      const token = spare.pop();
      if (token === undefined) return;
      const response = await revoke(issuer, client, token);
      seen.revoke.add(describe(response));
      if (response.status === 200) acknowledged.push(token);
    }),
  ];
  const revokeTenMore = async () => {
    const target = acknowledged.length + 10;
    await vi.waitFor(() => expect(acknowledged.length).toBeGreaterThan(target), 10_000);
  };
  await revokeTenMore();
  await cluster.control('restart');
  await revokeTenMore();
  await cluster.control('stop');
  await delay(300);
  const whileStopped = {
    api: describe(await requestTodos(apiResource, forApi)),
    revoked: describe(await requestTodos(apiResource, revoked)),
    otherAudience: describe(await requestTodos(apiResource, forMcp)),
    revoke: describe(await revoke(issuer, client, forApi)),
    introspect: describe(await postAsClient(`${issuer}/oauth/introspect`, client, { token: forApi })),
    token: describe(await postAsClient(`${issuer}/oauth/token`, client, { grant_type: 'client_credentials' })),
    lists: describe(await fetch(`${issuer}/oauth/status-lists`)),
  };
  await delay(700);
  await cluster.control('start');
  const returnedAt = Date.now();
  await vi.waitFor(
    async () => {
      expect((await requestTodos(apiResource, forApi)).status).toBe(200);
      expect((await postAsClient(`${issuer}/oauth/token`, client, { grant_type: 'client_credentials' })).status).toBe(
        200,
      );
    },
    { timeout: 10_000, interval: 50 },
  );
  expect(Date.now() - returnedAt).toBeLessThan(3000);
  isLoading = false;
  await Promise.all(load);

  expect.soft(whileStopped).toEqual({
    api: '503 retry',
    revoked: '401',
    otherAudience: '401',
    revoke: '503 retry',
    introspect: '503 retry',
    token: '503 retry',
    lists: '200',
  });
  expect.soft(seen.api).toEqual(new Set(['200', '503 retry']));
  expect.soft(seen.revoked).toEqual(new Set(['401']));
  // a tool that fails returns its error in the result, with status 200
  expect.soft(seen.mcp).toEqual(new Set(['200']));
  expect.soft(seen.revoke).toEqual(new Set(['200', '503 retry']));

  for (const token of acknowledged) expect((await requestTodos(apiResource, token)).status).toBe(401);
  // a revocation at the second auth process reaches the api through the restored connection of the first
  const fresh = await requestAccessToken(issuer, client);
  expect((await requestTodos(apiResource, fresh)).status).toBe(200);
  expect((await revoke(second, client, fresh)).status).toBe(200);
  await vi.waitFor(async () => expect((await requestTodos(apiResource, fresh)).status).toBe(401), {
    timeout: 10_000,
    interval: 5,
  });
});

test('the pool replaces a connection that breaks during a transaction', async ({ skip }) => {
  if (postgresqlPrograms === undefined) return skip(NO_POSTGRESQL);
  await using cluster = await startPostgresql(postgresqlPrograms);
  const database = { kind: 'postgresql', url: cluster.url } as const;
  await using orm = await openOrm(database, authDatabase, { poolSize: 2 });
  for (let attempt = 0; attempt < 4; attempt += 1) {
    const lost = orm.em
      .fork()
      .transactional((transaction) => transaction.execute('select pg_terminate_backend(pg_backend_pid())'));
    await expect(lost).rejects.toThrow();
  }
  const answer = orm.em.fork().transactional((transaction) => transaction.execute('select 1 as one'));
  expect(await Promise.race([answer, delay(3000, 'the pool has no connection')])).toEqual([{ one: 1 }]);
});

test('a committed revocation reaches the readers while PostgreSQL is stopped', async ({ skip }) => {
  if (postgresqlPrograms === undefined) return skip(NO_POSTGRESQL);
  await using cluster = await startPostgresql(postgresqlPrograms);
  vi.stubEnv('TEST_DATABASE_URL', cluster.url);
  await using system = await startSystem().finally(() => vi.unstubAllEnvs());
  const client = await system.registerClient();
  const apiPort = await getFreePort();
  await using proxy = await startBlockableProxy(Number(system.environment.AUTH_PORT));
  const environment = { ...system.environment, API_PORT: String(apiPort), AUTH_URL: proxy.url };
  await using _secondApi = await startApi(readApiConfig(environment), system.database);
  const secondApi = `http://127.0.0.1:${apiPort}/api/v1`;
  const token = await requestAccessToken(system.issuer, client);
  expect((await requestTodos(secondApi, token)).status).toBe(200);
  proxy.block();
  expect((await revoke(system.issuer, client, token)).status).toBe(200);
  await cluster.control('stop');
  proxy.unblock();
  try {
    await vi.waitFor(async () => expect((await requestTodos(secondApi, token)).status).toBe(401), {
      timeout: 10_000,
      interval: 20,
    });
  } finally {
    await cluster.control('start');
  }
});

test('a request that waits for a change goes on when PostgreSQL stops and starts, and gets the next change', async ({
  skip,
}) => {
  if (postgresqlPrograms === undefined) return skip(NO_POSTGRESQL);
  await using cluster = await startPostgresql(postgresqlPrograms);
  vi.stubEnv('TEST_DATABASE_URL', cluster.url);
  await using system = await startSystem().finally(() => vi.unstubAllEnvs());
  const { issuer, apiResource } = system;
  const token = await requestAccessToken(issuer, await system.registerClient());
  const create = () => requestTodos(apiResource, token, { method: 'POST', body: '{"title":"a"}' });
  expect((await create()).status).toBe(201);
  let isAnswered = false;
  const headers = { authorization: `Bearer ${token}`, prefer: 'wait=40' };
  const waiting = fetch(`${apiResource}/todos/changes?since=1`, { headers }).finally(() => {
    isAnswered = true;
  });
  await vi.waitFor(async () => expect(await readMetric(apiResource, 'todo_changes_waiting')).toBe(1), 10_000);
  await cluster.control('stop');
  // longer than the time between two attempts to connect
  await delay(1_500);
  await cluster.control('start');
  expect(isAnswered).toBe(false);
  await vi.waitFor(async () => expect((await create()).status).toBe(201), 10_000);
  const answer = await waiting;
  expect(answer.status).toBe(200);
  expect(await answer.json()).toMatchObject({ changes: [{ change: 'created', version: 1 }], next: '2' });
});

async function readMetric(resource: string, name: string): Promise<number> {
  const metrics = await (await fetch(new URL('/metrics', resource))).text();
  return Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(metrics)?.[1]);
}

function revoke(issuer: string, client: TestClient, token: string): Promise<Response> {
  return postAsClient(`${issuer}/oauth/revoke`, client, { token });
}

function callTool(mcpResource: string, accessToken: string): Promise<Response> {
  return postMcpMessage(mcpResource, createToolCall('list_todos'), { accessToken });
}
