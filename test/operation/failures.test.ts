import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { readApiConfig } from '../../api/config.ts';
import { startApi } from '../../api/main.ts';
import { createClientSecret } from '../../auth/clients/client-secret.ts';
import { findOrCreateCredentials } from '../../auth/clients/credentials-file.ts';
import { readAuthConfig } from '../../auth/config.ts';
import { authDatabase } from '../../auth/database/definition.ts';
import { startAuth } from '../../auth/main.ts';
import { findOrCreateSigningKeys } from '../../auth/signing-keys/signing-keys.ts';
import { openStatusLists } from '../../auth/status-lists/status-lists.ts';
import { readMcpConfig } from '../../mcp/config.ts';
import { startMcp } from '../../mcp/main.ts';
import { openOrm } from '../../shared/database/orm.ts';
import { createLogger } from '../../shared/logger.ts';
import { getFreePort } from '../../shared/testing/free-port.ts';
import { makeTemporaryDirectory } from '../../shared/testing/temporary-directory.ts';
import { openTestDatabase } from '../../shared/testing/test-database.ts';
import { createToolCall } from '../support/mcp-messages.ts';
import { postAsClient } from '../support/post-as-client.ts';
import { postMcpMessage } from '../support/post-mcp-message.ts';
import { requestAccessToken } from '../support/request-access-token.ts';
import { requestTodos } from '../support/request-todos.ts';
import { startBlockableProxy } from '../support/start-blockable-proxy.ts';
import { findPostgresqlPrograms, startPostgresql } from '../support/start-postgresql.ts';
import { startProcess } from '../support/start-process.ts';
import { startSystem, type TestClient } from '../support/start-system.ts';

test('every revocation that was answered holds after kill -9', async () => {
  await using installation = await install();
  const { issuer } = installation;
  const answered: string[] = [];
  const untouched: string[] = [];
  for (let round = 0; round < 2; round += 1) {
    await using auth = await installation.startAuth();
    const client = installation.demo();
    const tokens = await Promise.all(Array.from({ length: 150 }, () => requestAccessToken(issuer, client)));
    const enough = (round + 1) * 40;
    const killed = Promise.withResolvers<unknown>();
    const workers = Array.from({ length: 8 }, async () => {
      for (let token = tokens.pop(); token !== undefined; token = tokens.pop()) {
        const response = await revoke(issuer, client, token).catch(() => undefined);
        if (response === undefined) return;
        expect(response.status).toBe(200);
        answered.push(token);
        if (answered.length === enough) killed.resolve(auth.end('SIGKILL'));
      }
    });
    expect(await killed.promise).toBe('SIGKILL');
    await Promise.all(workers);
    // it was killed in the middle of them
    expect(tokens.length).toBeGreaterThan(50);
    untouched.push(...tokens);
  }

  await using _auth = await installation.startAuth();
  await using _api = await installation.startApi();
  const client = installation.demo();
  expect(answered.length).toBeGreaterThanOrEqual(80);
  for (const token of answered) {
    expect(await introspect(issuer, client, token)).toEqual({ active: false });
    expect(await installation.useAtApi(token)).toBe(401);
  }
  for (const token of untouched.slice(0, 20)) {
    expect(await introspect(issuer, client, token)).toMatchObject({ active: true });
    expect(await installation.useAtApi(token)).toBe(200);
  }
});

test('with auth away what is known goes on serving, and what was missed is refused within a second of its return', async () => {
  await using installation = await install();
  const { issuer, mcpResource, useAtApi, useAtMcp } = installation;
  await using way = await startBlockableProxy(installation.authPort);
  const client = installation.demo();
  const getBoth = async () =>
    [
      await requestAccessToken(issuer, client),
      await requestAccessToken(issuer, client, { resource: mcpResource }),
    ] as const;
  const use = async ([forApi, forMcp]: readonly [string, string]) => [await useAtApi(forApi), await useAtMcp(forMcp)];
  const revokeBoth = async (tokens: readonly [string, string]) => {
    for (const token of tokens) expect((await revoke(issuer, client, token)).status).toBe(200);
  };

  await using auth = await installation.startAuth();
  await using _api = await installation.startApi({ AUTH_URL: way.url });
  await using _mcp = await installation.startMcp({ AUTH_URL: way.url });
  const [good, known, missed, later] = [await getBoth(), await getBoth(), await getBoth(), await getBoth()];
  for (const tokens of [good, known, missed, later]) expect(await use(tokens)).toEqual([200, 200]);
  await revokeBoth(known);
  await vi.waitFor(async () => expect(await use(known)).toEqual([401, 401]), { timeout: 10_000, interval: 5 });

  // nobody can be told of this one any more
  way.block();
  await revokeBoth(missed);
  expect(await auth.end('SIGKILL')).toBe('SIGKILL');
  const until = Date.now() + 3000;
  while (Date.now() < until) {
    expect([await use(good), await use(known), await use(later)]).toEqual([
      [200, 200],
      [401, 401],
      [200, 200],
    ]);
    await delay(50);
  }
  expect(await use(missed)).toEqual([200, 200]);

  await using _again = await installation.startAuth();
  const returnedAt = Date.now();
  way.unblock();
  await revokeBoth(later);
  const revokedAt = Date.now();
  await vi.waitFor(async () => expect(await use(missed)).toEqual([401, 401]), { timeout: 10_000, interval: 5 });
  // it looks again after 0.8 seconds at the latest, and a machine that is busy takes some time of its own
  expect(Date.now() - returnedAt).toBeLessThan(3000);
  await vi.waitFor(async () => expect(await use(later)).toEqual([401, 401]), { timeout: 10_000, interval: 5 });
  expect(Date.now() - revokedAt).toBeLessThan(3000);
  expect([await use(good), await use(known)]).toEqual([
    [200, 200],
    [401, 401],
  ]);
});

const postgresqlPrograms = findPostgresqlPrograms();

test('PostgreSQL that is restarted under load costs answers, but no wrong ones', async ({ skip }) => {
  if (postgresqlPrograms === undefined) return skip('there are no programs of a PostgreSQL server');
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
  const answered: string[] = [];
  let loaded = true;
  const describe = ({ status, headers }: Response) => `${status}${headers.has('retry-after') ? ' retry' : ''}`;
  const repeat = async (request: () => Promise<void>) => {
    while (loaded) {
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
      if (response.status === 200) answered.push(token);
    }),
  ];
  const revokeTenMore = async () => {
    const enough = answered.length + 10;
    await vi.waitFor(() => expect(answered.length).toBeGreaterThan(enough), 10_000);
  };
  await revokeTenMore();
  await cluster.control('restart');
  await revokeTenMore();
  await cluster.control('stop');
  await delay(300);
  const away = {
    api: describe(await requestTodos(apiResource, forApi)),
    revoked: describe(await requestTodos(apiResource, revoked)),
    foreign: describe(await requestTodos(apiResource, forMcp)),
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
  loaded = false;
  await Promise.all(load);

  expect.soft(away).toEqual({
    api: '503 retry',
    revoked: '401',
    foreign: '401',
    revoke: '503 retry',
    introspect: '503 retry',
    token: '503 retry',
    lists: '200',
  });
  expect.soft(seen.api).toEqual(new Set(['200', '503 retry']));
  expect.soft(seen.revoked).toEqual(new Set(['401']));
  // a tool that failed is told in the result
  expect.soft(seen.mcp).toEqual(new Set(['200']));
  expect.soft(seen.revoke).toEqual(new Set(['200', '503 retry']));

  for (const token of answered) expect((await requestTodos(apiResource, token)).status).toBe(401);
  // a revocation at the other process reaches the api through what was restored here
  const fresh = await requestAccessToken(issuer, client);
  expect((await requestTodos(apiResource, fresh)).status).toBe(200);
  expect((await revoke(second, client, fresh)).status).toBe(200);
  await vi.waitFor(async () => expect((await requestTodos(apiResource, fresh)).status).toBe(401), {
    timeout: 10_000,
    interval: 5,
  });
});

test('a connection that is lost in a transaction is not lost to the pool', async ({ skip }) => {
  if (postgresqlPrograms === undefined) return skip('there are no programs of a PostgreSQL server');
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
  expect(await Promise.race([answer, delay(3000, 'no connection is left')])).toEqual([{ one: 1 }]);
});

test('what was committed reaches the readers while PostgreSQL is away', async ({ skip }) => {
  if (postgresqlPrograms === undefined) return skip('there are no programs of a PostgreSQL server');
  await using cluster = await startPostgresql(postgresqlPrograms);
  vi.stubEnv('TEST_DATABASE_URL', cluster.url);
  await using system = await startSystem().finally(() => vi.unstubAllEnvs());
  const client = await system.registerClient();
  const apiPort = await getFreePort();
  await using way = await startBlockableProxy(Number(system.environment.AUTH_PORT));
  const environment = { ...system.environment, API_PORT: String(apiPort), AUTH_URL: way.url };
  await using _behind = await startApi(readApiConfig(environment), system.database);
  const behind = `http://127.0.0.1:${apiPort}/api/v1`;
  const token = await requestAccessToken(system.issuer, client);
  expect((await requestTodos(behind, token)).status).toBe(200);
  way.block();
  expect((await revoke(system.issuer, client, token)).status).toBe(200);
  await cluster.control('stop');
  way.unblock();
  try {
    await vi.waitFor(async () => expect((await requestTodos(behind, token)).status).toBe(401), {
      timeout: 10_000,
      interval: 20,
    });
  } finally {
    await cluster.control('start');
  }
});

test('a list is published as soon as there is a token on it', async () => {
  await using database = await openTestDatabase();
  await using orm = await openOrm(database, authDatabase, { poolSize: 4 });
  const { em } = orm;
  const signingKeys = await findOrCreateSigningKeys({ em, algorithm: 'ES256', keyEncryptionKey: randomBytes(32) });
  const logger = createLogger({ name: 'test', level: 'silent' });
  await using lists = await openStatusLists({ database, em, issuer: 'http://127.0.0.1:1', signingKeys, logger });
  // its notification cannot have been followed yet, and a 404 would have the token refused as one of no list
  const [made] = await em
    .fork()
    .execute<{ id: number }[]>(
      "insert into auth.status_list (next_index, expires_at) values (0, now() + interval '1 hour') returning id",
    );
  expect(await lists.sign(made?.id ?? 0)).toBeDefined();
  expect(await lists.sign(99_999)).toBeUndefined();
});

/** An installation whose auth is a process of its own, which may be killed; api and mcp are in this one. */
async function install() {
  await using installing = new AsyncDisposableStack();
  const directory = installing.use(makeTemporaryDirectory());
  const database = installing.use(await openTestDatabase());
  const [authPort, apiPort, mcpPort] = [await getFreePort(), await getFreePort(), await getFreePort()];
  const issuer = `http://127.0.0.1:${authPort}`;
  const apiResource = `http://127.0.0.1:${apiPort}/api/v1`;
  const mcpResource = `http://127.0.0.1:${mcpPort}/mcp`;
  const secret = createClientSecret();
  const data = join(directory.path, 'data');
  const identifiers = { AUTH_ISSUER: issuer, API_RESOURCE: apiResource, MCP_RESOURCE: mcpResource };
  const authEnvironment = {
    ...identifiers,
    AUTH_PORT: String(authPort),
    YATA_DATA_DIR: data,
    MCP_CLIENT_SECRET: secret,
    ...(database.kind === 'postgresql' && { AUTH_DATABASE_URL: database.url }),
  };
  const environment = {
    ...identifiers,
    API_PORT: String(apiPort),
    MCP_PORT: String(mcpPort),
    OAUTH_CLIENT_ID: 'mcp',
    OAUTH_CLIENT_SECRET: secret,
    LOG_LEVEL: 'silent',
  };
  const installed = installing.move();
  return {
    authPort,
    issuer,
    apiResource,
    mcpResource,
    /** The client that a new installation starts with. */
    demo(): TestClient {
      const { OAUTH_CLIENT_ID, OAUTH_CLIENT_SECRET } = findOrCreateCredentials(data, 'demo');
      return { id: OAUTH_CLIENT_ID, secret: OAUTH_CLIENT_SECRET };
    },
    startAuth: () => startProcess(['auth/main.ts'], authEnvironment, '"listening"'),
    startApi: (variables: Record<string, string> = {}) =>
      startApi(readApiConfig({ ...environment, ...variables }), database),
    startMcp: (variables: Record<string, string> = {}) => startMcp(readMcpConfig({ ...environment, ...variables })),
    useAtApi: async (token: string) => (await requestTodos(apiResource, token)).status,
    useAtMcp: async (token: string) => (await callTool(mcpResource, token)).status,
    [Symbol.asyncDispose]: () => installed.disposeAsync(),
  };
}

function revoke(issuer: string, client: TestClient, token: string): Promise<Response> {
  return postAsClient(`${issuer}/oauth/revoke`, client, { token });
}

async function introspect(issuer: string, client: TestClient, token: string): Promise<unknown> {
  return (await postAsClient(`${issuer}/oauth/introspect`, client, { token })).json();
}

function callTool(mcpResource: string, accessToken: string): Promise<Response> {
  return postMcpMessage(mcpResource, createToolCall('list_todos'), { accessToken });
}
