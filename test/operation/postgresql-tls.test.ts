import { defineEntity, p } from '@mikro-orm/core';
import pg from 'pg';
import { expect, test, vi } from 'vitest';
import { isDatabaseUnavailable } from '../../shared/database/database-unavailable.ts';
import { listen } from '../../shared/database/listen.ts';
import { openOrm } from '../../shared/database/orm.ts';
import { openPool } from '../../shared/database/pool.ts';
import { makeTemporaryDirectory } from '../../shared/testing/temporary-directory.ts';
import { type CertificationAuthority, createCertificationAuthority } from '../support/create-certificates.ts';
import { postAsClient } from '../support/post-as-client.ts';
import { requestTodos } from '../support/request-todos.ts';
import { findPostgresqlPrograms, type PostgresqlServer, startPostgresql } from '../support/start-postgresql.ts';
import { startSystem } from '../support/start-system.ts';

const postgresqlPrograms = findPostgresqlPrograms();
const NO_POSTGRESQL = 'no PostgreSQL server is installed';

const Thing = defineEntity({ name: 'Thing', properties: { id: p.uuid().primary() } });
const definition = { schema: 'api', entities: [Thing], migrations: [] };

/** The ways in which yata connects. What each returns has a connection until it is disposed. */
const WAYS = {
  async orm(url: string) {
    const orm = await openOrm({ kind: 'postgresql', url }, definition);
    await orm.em.fork().execute('select 1');
    return orm;
  },
  async pool(url: string) {
    await using opening = new AsyncDisposableStack();
    const pool = opening.adopt(openPool(url, { max: 1, timeout: 5_000, onIdleError: () => {} }), (it) => it.end());
    await pool.query('select 1');
    return opening.move();
  },
  listen: (url: string) => listen({ kind: 'postgresql', url }, 'news', { notified() {}, interrupted() {} }),
};

/** A server that accepts connections over TCP with TLS only. Its certificate names `localhost`. */
async function startTlsServer(programs: string, directory: string) {
  const authority = createCertificationAuthority(directory, 'authority');
  const server = await startPostgresql(programs, {
    tls: {
      ...authority.issue('localhost'),
      clientCa: authority.certificate,
      hba: [
        'local all all trust',
        'hostssl postgres certified 127.0.0.1/32 trust clientcert=verify-ca',
        'hostssl all all 127.0.0.1/32 trust',
      ],
    },
  });
  return { server, authority };
}

/** A URL of `server` over TCP. */
function urlOf(
  { port }: PostgresqlServer,
  host: string,
  parameters: Record<string, string>,
  user = 'postgres',
): string {
  return `postgresql://${user}@${host}:${port}/postgres?${new URLSearchParams(parameters)}`;
}

/** Runs a statement through the Unix socket. */
async function query<Row extends pg.QueryResultRow>(server: PostgresqlServer, statement: string): Promise<Row[]> {
  const { socketDirectory: host, port } = server;
  const client = new pg.Client({ host, port, user: 'postgres', database: 'postgres', ssl: false });
  await client.connect();
  return (await client.query<Row>(statement).finally(() => client.end())).rows;
}

/** For each connection over TCP, or over a Unix socket, whether it is encrypted. */
async function findEncryption(server: PostgresqlServer, over: 'TCP' | 'Unix socket'): Promise<boolean[]> {
  const sessions = await query<{ ssl: boolean }>(
    server,
    `select ssl from pg_stat_ssl join pg_stat_activity using (pid)
       where backend_type = 'client backend' and pid <> pg_backend_pid()
         and client_addr is ${over === 'TCP' ? 'not null' : 'null'}`,
  );
  return sessions.map(({ ssl }) => ssl);
}

test('each mode of sslmode applies to every kind of connection', async ({ skip }) => {
  if (postgresqlPrograms === undefined) return skip(NO_POSTGRESQL);
  using directory = makeTemporaryDirectory();
  const { server, authority } = await startTlsServer(postgresqlPrograms, directory.path);
  await using _server = server;
  const sslrootcert = authority.certificate;
  const other: CertificationAuthority = createCertificationAuthority(directory.path, 'other');

  const accepted = [
    urlOf(server, '127.0.0.1', { sslmode: 'require' }),
    urlOf(server, '127.0.0.1', { sslmode: 'no-verify' }),
    urlOf(server, '127.0.0.1', { sslmode: 'require', sslrootcert }),
    urlOf(server, '127.0.0.1', { sslmode: 'verify-ca', sslrootcert }),
    urlOf(server, 'localhost', { sslmode: 'verify-full', sslrootcert }),
    urlOf(server, 'localhost', { sslmode: 'verify-full', sslrootcert, channel_binding: 'require' }),
    urlOf(server, 'localhost', { sslmode: 'require', uselibpqcompat: 'true' }),
    urlOf(server, 'localhost', { sslrootcert }),
  ];
  for (const url of accepted) {
    for (const [way, connect] of Object.entries(WAYS)) {
      await using _connection = await connect(url);
      const encryption = await findEncryption(server, 'TCP');
      expect.soft(encryption.length, `${way} ${url}`).toBeGreaterThan(0);
      expect.soft(new Set(encryption), `${way} ${url}`).toEqual(new Set([true]));
    }
  }

  const rejected = [
    [urlOf(server, '127.0.0.1', {}), /no encryption/],
    [urlOf(server, '127.0.0.1', { sslmode: 'disable' }), /no encryption/],
    [urlOf(server, 'localhost', { sslmode: 'verify-full', sslrootcert: other.certificate }), /certificate/],
    [urlOf(server, 'localhost', { sslmode: 'verify-full', sslrootcert: 'system' }), /certificate/],
    [urlOf(server, 'localhost', { sslmode: 'verify-full' }), /certificate/],
    [urlOf(server, 'localhost', { sslmode: 'verify-ca', sslrootcert: other.certificate }), /certificate/],
    [urlOf(server, 'localhost', { sslmode: 'require', sslrootcert: other.certificate }), /certificate/],
    [urlOf(server, '127.0.0.1', { sslmode: 'verify-full', sslrootcert }), /IP: 127\.0\.0\.1 is not in the cert/],
  ] as const;
  for (const [url, message] of rejected) {
    for (const [way, connect] of Object.entries(WAYS)) {
      const error = await connect(url).then(String, (thrown: unknown) => thrown);
      expect.soft(describe(error), `${way} ${url}`).toMatch(message);
      expect.soft(await findEncryption(server, 'TCP'), `${way} ${url}`).not.toContain(false);
    }
  }
});

test('a server without TLS is not used in clear text, unless the URL allows it', async ({ skip }) => {
  if (postgresqlPrograms === undefined) return skip(NO_POSTGRESQL);
  await using server = await startPostgresql(postgresqlPrograms);
  for (const [way, connect] of Object.entries(WAYS)) {
    for (const sslmode of ['require', 'no-verify', 'verify-full']) {
      const error = await connect(urlOf(server, 'localhost', { sslmode })).then(String, (thrown: unknown) => thrown);
      expect.soft(describe(error), `${way} ${sslmode}`).toMatch(/The server does not support SSL connections/);
    }
    await using _connection = await connect(urlOf(server, 'localhost', { sslmode: 'disable' }));
    expect.soft(new Set(await findEncryption(server, 'TCP')), way).toEqual(new Set([false]));
  }
});

test('every connection of auth, api and mcp is encrypted', async ({ skip }) => {
  if (postgresqlPrograms === undefined) return skip(NO_POSTGRESQL);
  using directory = makeTemporaryDirectory();
  const { server, authority } = await startTlsServer(postgresqlPrograms, directory.path);
  await using _server = server;
  const url = urlOf(server, 'localhost', { sslmode: 'verify-full', sslrootcert: authority.certificate });
  vi.stubEnv('TEST_DATABASE_URL', url);
  await using system = await startSystem({ RATE_LIMIT_URL: url }).finally(() => vi.unstubAllEnvs());
  const { issuer, apiResource } = system;
  const client = await system.registerClient();
  const token = await system.getAccessToken(client);
  expect((await requestTodos(apiResource, token)).status).toBe(200);
  // these use the connections that revoke, check the readiness, and count failed authentications
  expect((await postAsClient(`${issuer}/oauth/revoke`, client, { token })).status).toBe(200);
  expect((await fetch(`${issuer}/health/ready`)).status).toBe(200);
  const wrong = { ...client, secret: 'wrong' };
  expect((await postAsClient(`${issuer}/oauth/token`, wrong, { grant_type: 'client_credentials' })).status).toBe(401);

  const encryption = await findEncryption(server, 'TCP');
  // at least one of each kind in docs/limits.md
  expect(encryption.length).toBeGreaterThan(10);
  expect(new Set(encryption)).toEqual(new Set([true]));
});

test('a connection presents the certificate of sslcert', async ({ skip }) => {
  if (postgresqlPrograms === undefined) return skip(NO_POSTGRESQL);
  using directory = makeTemporaryDirectory();
  const { server, authority } = await startTlsServer(postgresqlPrograms, directory.path);
  await using _server = server;
  await query(server, 'create role certified superuser login');
  const { certificate: sslcert, key: sslkey } = authority.issue('certified');
  const parameters = { sslmode: 'verify-full', sslrootcert: authority.certificate };
  for (const [way, connect] of Object.entries(WAYS)) {
    const without = connect(urlOf(server, 'localhost', parameters, 'certified'));
    expect.soft(describe(await without.then(String, (thrown) => thrown)), way).toMatch(/requires a valid client cert/);
    await using _connection = await connect(
      urlOf(server, 'localhost', { ...parameters, sslcert, sslkey }, 'certified'),
    );
    expect.soft(new Set(await findEncryption(server, 'TCP')), way).toEqual(new Set([true]));
  }
});

test('a URL can name a Unix socket, which sslmode does not concern', async ({ skip }) => {
  if (postgresqlPrograms === undefined) return skip(NO_POSTGRESQL);
  await using server = await startPostgresql(postgresqlPrograms);
  const { socketDirectory, port } = server;
  const urls = [
    `postgresql:///postgres?host=${socketDirectory}&port=${port}&user=postgres`,
    `postgresql:///postgres?host=${socketDirectory}&port=${port}&user=postgres&sslmode=verify-full`,
    `postgresql://postgres@/postgres?host=${socketDirectory}&port=${port}`,
    `postgresql://postgres@${encodeURIComponent(socketDirectory)}:${port}/postgres`,
  ];
  for (const url of urls) {
    for (const [way, connect] of Object.entries(WAYS)) {
      await using _connection = await connect(url);
      expect.soft((await findEncryption(server, 'Unix socket')).length, `${way} ${url}`).toBeGreaterThan(0);
      expect.soft(await findEncryption(server, 'TCP'), `${way} ${url}`).toEqual([]);
    }
  }
});

test('an encrypted connection on which the server sends nothing is given up, and an active one is not', async ({
  skip,
}) => {
  if (postgresqlPrograms === undefined) return skip(NO_POSTGRESQL);
  using directory = makeTemporaryDirectory();
  const { server } = await startTlsServer(postgresqlPrograms, directory.path);
  await using _server = server;
  await using opened = new AsyncDisposableStack();
  const url = urlOf(server, '127.0.0.1', { sslmode: 'require' });
  const pool = opened.adopt(openPool(url, { max: 1, timeout: 1_500, onIdleError: () => {} }), (it) => it.end());
  const session = await pool.connect();
  // together longer than the timeout, and each of them shorter
  for (let count = 0; count < 8; count += 1) await session.query('select pg_sleep(0.3)');
  session.release();
  await expect(pool.query('select pg_sleep(20)')).rejects.toSatisfy(isDatabaseUnavailable);
});

test('a server that stops counts as unavailable over TLS and over a Unix socket, until it starts again', async ({
  skip,
}) => {
  if (postgresqlPrograms === undefined) return skip(NO_POSTGRESQL);
  using directory = makeTemporaryDirectory();
  const { server } = await startTlsServer(postgresqlPrograms, directory.path);
  await using _server = server;
  const urls = [
    urlOf(server, '127.0.0.1', { sslmode: 'require' }),
    `postgresql:///postgres?host=${server.socketDirectory}&port=${server.port}&user=postgres`,
  ];
  for (const url of urls) {
    await using orm = await openOrm({ kind: 'postgresql', url }, definition);
    const read = () => orm.em.fork().execute('select 1 as one');
    await read();
    await server.control('stop');
    await expect(read()).rejects.toSatisfy(isDatabaseUnavailable);
    await server.control('start');
    expect(await read()).toEqual([{ one: 1 }]);
  }
});

/** The message of an error with those of its causes. */
function describe(error: unknown): string {
  return error instanceof Error ? `${error.message} ${describe(error.cause)}` : '';
}
