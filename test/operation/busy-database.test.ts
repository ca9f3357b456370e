import pg from 'pg';
import { expect, test, vi } from 'vitest';
import { readCredentials } from '../../auth/clients/credentials-file.ts';
import { authDatabase } from '../../auth/database/definition.ts';
import { openOrm } from '../../shared/database/orm.ts';
import { postAsClient } from '../support/post-as-client.ts';
import { registerKeyClient } from '../support/register-key-client.ts';
import { requestTodos } from '../support/request-todos.ts';
import { type System, startSystem, type TestClient } from '../support/start-system.ts';

/** More token requests at a time than auth has ordinary connections to PostgreSQL. */
const STUCK_REQUESTS = 20;

function administrator(system: System): TestClient {
  const { OAUTH_CLIENT_ID, OAUTH_CLIENT_SECRET } = readCredentials(system.environment.YATA_DATA_DIR ?? '', 'admin');
  return { id: OAUTH_CLIENT_ID, secret: OAUTH_CLIENT_SECRET };
}

/** Sends token requests that use a table which another session has locked, so that each keeps a connection. */
async function exhaustConnections(system: System) {
  if (system.database.kind === 'embedded') throw new Error('the embedded database has one connection');
  const { post } = await registerKeyClient(system);
  const locking = new pg.Client({ connectionString: system.database.url });
  await locking.connect();
  await locking.query('begin');
  await locking.query('lock table auth.artifact in access exclusive mode');
  let isOver = false;
  const request = () => post('/oauth/token', { grant_type: 'client_credentials' });
  const stuck = Array.from({ length: STUCK_REQUESTS }, async () => {
    while (!isOver) await request();
  });
  const count = async () => {
    const { rows } = await locking.query(
      "select count(*)::int as count from pg_locks where not granted and relation = 'auth.artifact'::regclass",
    );
    return rows[0].count;
  };
  await expect.poll(count, { timeout: 20_000 }).toBe(10);
  return {
    async [Symbol.asyncDispose]() {
      isOver = true;
      await locking.end();
      await Promise.all(stuck);
    },
  };
}

test('while token requests hold every ordinary connection, revocation and administration work', async ({ skip }) => {
  await using system = await startSystem();
  skip(system.database.kind === 'embedded', 'the embedded database has one connection');
  const admin = administrator(system);
  const [client, disabled, uncached] = [
    await system.registerClient(),
    await system.registerClient(),
    await system.registerClient(),
  ];
  const [token, disabledToken] = [await system.getAccessToken(client), await system.getAccessToken(disabled)];
  for (const accepted of [token, disabledToken])
    expect((await requestTodos(system.apiResource, accepted)).status).toBe(200);
  const aggregation = await fetch(`${system.issuer}/oauth/status-lists`);
  const entityTag = aggregation.headers.get('etag') ?? '';

  await using _exhausted = await exhaustConnections(system);
  // an ordinary client that is not in memory cannot be read now
  const ordinary = system.postToken(uncached);
  // the first access token of a client needs a lease in the database
  const adminToken = await system.getAccessToken(admin, { resource: `${system.issuer}/admin` });
  const manage = (method: string, path: string, body?: object) =>
    fetch(`${system.issuer}/admin${path}`, {
      method,
      headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });

  expect((await postAsClient(`${system.issuer}/oauth/revoke`, client, { token })).status).toBe(200);
  expect((await manage('PATCH', `/clients/${disabled.id}`, { active: false })).status).toBe(200);
  for (const revoked of [token, disabledToken])
    await vi.waitFor(async () => expect((await requestTodos(system.apiResource, revoked)).status).toBe(401), 10_000);
  const published = await fetch(`${system.issuer}/oauth/status-lists`);
  expect(published.status).toBe(200);
  expect(published.headers.get('etag')).not.toBe(entityTag);
  for (const path of ['/clients', '/audit']) expect((await manage('GET', path)).status).toBe(200);
  expect((await manage('POST', '/clients', { client_name: 'New', scope: 'todos:read' })).status).toBe(201);
  expect((await fetch(`${system.issuer}/health/ready`)).status).toBe(200);

  const rejected = await ordinary;
  expect({ status: rejected.status, retryAfter: rejected.headers.get('retry-after') }).toEqual({
    status: 503,
    retryAfter: '1',
  });
  expect(await rejected.json()).toMatchObject({ error: 'temporarily_unavailable' });
});

test('an administrator whose record is not in memory gets access tokens, too', async ({ skip }) => {
  await using system = await startSystem();
  skip(system.database.kind === 'embedded', 'the embedded database has one connection');
  // each of its access tokens needs a lease of its own
  const admin = await system.registerClient({
    scopes: ['admin'],
    resources: [`${system.issuer}/admin`],
    oneTokenAtATime: true,
  });
  const request = () => system.getAccessToken(admin, { resource: `${system.issuer}/admin` });
  await request();
  await using orm = await openOrm(system.database, authDatabase, { poolSize: 2 });
  await orm.em.fork().execute("update auth.client set name = 'changed' where client_id = ?", [admin.id]);
  await using _exhausted = await exhaustConnections(system);
  for (let times = 0; times < 3; times += 1) expect(await request()).toEqual(expect.any(String));
});

test('too many revocations at the same time get 503, and those under way are carried out', async () => {
  await using system = await startSystem();
  const clients = await Promise.all(Array.from({ length: 11 }, () => system.registerClient()));
  const tokens = [];
  for (const client of clients)
    for (let index = 0; index < 10; index += 1) tokens.push({ client, token: await system.getAccessToken(client) });
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const held = holdRevocations(system, released);
  await held.begun;
  const answers = tokens
    .slice(0, 101)
    .map(({ client, token }) => postAsClient(`${system.issuer}/oauth/revoke`, client, { token }));
  const first = await Promise.race(answers);
  expect({ status: first.status, retryAfter: first.headers.get('retry-after') }).toEqual({
    status: 503,
    retryAfter: '1',
  });
  expect(await first.json()).toEqual({
    error: 'temporarily_unavailable',
    error_description: '100 revocations are under way: the token is not revoked, retry in 1 second',
  });
  release();
  await held.ended;
  const statuses = (await Promise.all(answers)).map(({ status }) => status);
  expect(statuses.filter((status) => status === 200)).toHaveLength(100);
});

test('a client with ten revocations under way gets 429, and others and administrators revoke', async () => {
  await using system = await startSystem();
  const [client, another] = [await system.registerClient(), await system.registerClient()];
  const tokens = await Promise.all(Array.from({ length: 20 }, () => system.getAccessToken(client)));
  const [anotherToken, left] = [await system.getAccessToken(another), await system.getAccessToken(client)];
  const adminToken = await system.getAccessToken(administrator(system), { resource: `${system.issuer}/admin` });
  const revoke = (by: TestClient, token: string) => postAsClient(`${system.issuer}/oauth/revoke`, by, { token });
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const held = holdRevocations(system, released);
  await held.begun;
  const rejected: Response[] = [];
  const answers = tokens.map(async (token) => {
    const answer = await revoke(client, token);
    if (answer.status !== 200) rejected.push(answer);
    return answer.status;
  });
  await expect.poll(() => rejected.length).toBe(10);
  for (const answer of rejected) {
    expect({ status: answer.status, retryAfter: answer.headers.get('retry-after') }).toEqual({
      status: 429,
      retryAfter: '1',
    });
    expect(await answer.json()).toEqual({
      error: 'temporarily_unavailable',
      error_description: '10 revocations of this client are under way: the token is not revoked, retry in 1 second',
    });
  }
  const others = [
    revoke(another, anotherToken),
    fetch(`${system.issuer}/admin/revocations`, {
      method: 'POST',
      headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
      body: JSON.stringify({ token: left }),
    }),
  ];
  release();
  await held.ended;
  for (const { status } of await Promise.all(others)) expect(status).toBeLessThan(300);
  expect((await Promise.all(answers)).filter((status) => status === 200)).toHaveLength(10);
  // the client can revoke again
  for (const token of tokens) expect((await revoke(client, token)).status).toBe(200);
});

test('readiness checks hold no connection that a revocation needs', async ({ skip }) => {
  await using system = await startSystem();
  skip(system.database.kind === 'embedded', 'the embedded database has one connection');
  const client = await system.registerClient();
  const tokens = await Promise.all(Array.from({ length: 5 }, () => system.getAccessToken(client)));
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const held = holdRevocations(system, released);
  await held.begun;
  const answers = tokens.map((token) => postAsClient(`${system.issuer}/oauth/revoke`, client, { token }));
  await using orm = await openOrm(system.database, authDatabase, { poolSize: 2 });
  const waiting = () =>
    orm.em
      .fork()
      .execute(
        'select 1 from pg_locks where not granted and database = (select oid from pg_database where datname = current_database())',
      );
  // all connections for revocations
  await expect.poll(waiting).toHaveLength(4);
  const checks = await Promise.all(Array.from({ length: 100 }, () => fetch(`${system.issuer}/health/ready`)));
  for (const check of checks) {
    expect(check.status).toBe(200);
    expect(await check.json()).toEqual({ status: 'ok', checks: { process: 'ok', database: 'ok' } });
  }
  release();
  await held.ended;
  for (const { status } of await Promise.all(answers)) expect(status).toBe(200);
});

/** Keeps every revocation waiting until `released` resolves. */
function holdRevocations({ database }: System, released: Promise<void>) {
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  return { begun, ended: hold() };

  async function hold(): Promise<void> {
    if (database.kind === 'embedded') {
      await database.pglite.transaction(async () => {
        begin();
        await released;
      });
      return;
    }
    const locking = new pg.Client({ connectionString: database.url });
    await locking.connect();
    await locking.query('begin');
    await locking.query('lock table auth.revocation in access exclusive mode');
    begin();
    await released;
    await locking.end();
  }
}
