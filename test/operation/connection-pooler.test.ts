import pg from 'pg';
import { expect, test, vi } from 'vitest';
import { listen } from '../../shared/database/listen.ts';
import { NotificationsNotDeliveredError } from '../../shared/database/notification-delivery.ts';
import { openTestDatabase } from '../../shared/testing/test-database.ts';
import { openInstallation } from '../support/open-installation.ts';
import { requestTodos } from '../support/request-todos.ts';
import { startMutingProxy } from '../support/start-muting-proxy.ts';
import { findPgbouncer, startPgbouncer } from '../support/start-pgbouncer.ts';
import { findPostgresqlPrograms, startPostgresql } from '../support/start-postgresql.ts';
import { startProcess } from '../support/start-process.ts';
import { startSystem } from '../support/start-system.ts';

// some of these tests wait for a notification that does not arrive, in several processes
vi.setConfig({ testTimeout: 90_000 });

const postgresqlPrograms = findPostgresqlPrograms();
const pgbouncer = findPgbouncer();
const NO_POOLER = 'PgBouncer or PostgreSQL is not installed';

const REJECTION =
  /No notification .* arrives from the database "\w+" at 127\.0\.0\.1:\d+\. A connection pooler in transaction mode/;

/** Opens a test database on a server, or skips: the embedded database has no connections. */
async function openDatabaseOnServer(skip: (note: string) => never) {
  const database = await openTestDatabase();
  if (database.kind === 'postgresql') return database;
  await database[Symbol.asyncDispose]();
  return skip('the embedded database has no connections');
}

function throughPort(url: string, port: number): string {
  const changed = new URL(url);
  changed.host = `127.0.0.1:${port}`;
  return changed.href;
}

test('a subscription to which no notification arrives is not opened', async ({ skip }) => {
  await using database = await openDatabaseOnServer(skip);
  await using proxy = await startMutingProxy(Number(new URL(database.url).port));
  const url = throughPort(database.url, proxy.port);
  const subscribe = () => listen({ kind: 'postgresql', url }, 'news', { notified() {}, interrupted() {} });
  proxy.isMuted = true;
  await expect(subscribe()).rejects.toThrow(NotificationsNotDeliveredError);
  await expect(subscribe()).rejects.toThrow(REJECTION);
  proxy.isMuted = false;
  await using _subscription = await subscribe();
});

test('after a reconnect a subscription is restored only when notifications arrive again', async ({ skip }) => {
  await using database = await openDatabaseOnServer(skip);
  await using proxy = await startMutingProxy(Number(new URL(database.url).port));
  const url = throughPort(database.url, proxy.port);
  const [notified, interrupted] = [vi.fn(), vi.fn()];
  await using _subscription = await listen({ kind: 'postgresql', url }, 'news', { notified, interrupted });
  proxy.isMuted = true;
  proxy.disconnect();
  await vi.waitFor(() => expect(interrupted).toHaveBeenCalledWith('lost'), 10_000);
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  // a first attempt has listened, waited in vain and ended, so that there is a second
  const listening = async () => {
    const { rows } = await client.query<{ pid: number }>(
      "select pid from pg_stat_activity where query like 'listen yata_probe%' and datname = current_database()",
    );
    return rows[0]?.pid;
  };
  const first = await vi.waitUntil(listening, 20_000);
  await vi.waitUntil(async () => ![undefined, first].includes(await listening()), 20_000);
  expect(interrupted.mock.calls).toEqual([['lost']]);
  proxy.isMuted = false;
  await vi.waitFor(() => expect(interrupted).toHaveBeenLastCalledWith('restored'), 20_000);
  await client.query("notify news, 'afterwards'");
  await vi.waitFor(() => expect(notified.mock.calls).toEqual([['afterwards']]), 10_000);
  await client.end();
});

test('auth, api and start do not start behind PgBouncer in transaction mode', async ({ skip }) => {
  if (postgresqlPrograms === undefined || pgbouncer === undefined) return skip(NO_POOLER);
  await using server = await startPostgresql(postgresqlPrograms);
  await using pooler = await startPgbouncer(pgbouncer, { serverPort: server.port, mode: 'transaction' });
  const url = throughPort(server.url, pooler.port);
  await using installation = await openInstallation();
  const environment = { ...installation.environment, AUTH_DATABASE_URL: url, API_DATABASE_URL: url };
  for (const args of [['auth/main.ts'], ['api/main.ts'], ['yata.ts', 'start']]) {
    await using rejected = await startProcess(args, environment, 'No notification');
    expect(await rejected.ended).toBe(1);
    expect(rejected.output()).toMatch(REJECTION);
  }
});

test('auth, api and mcp work behind PgBouncer in session mode', async ({ skip }) => {
  if (postgresqlPrograms === undefined || pgbouncer === undefined) return skip(NO_POOLER);
  await using server = await startPostgresql(postgresqlPrograms);
  await using pooler = await startPgbouncer(pgbouncer, { serverPort: server.port, mode: 'session' });
  vi.stubEnv('TEST_DATABASE_URL', throughPort(server.url, pooler.port));
  await using system = await startSystem().finally(() => vi.unstubAllEnvs());
  const token = await system.getAccessToken(await system.registerClient());
  expect((await requestTodos(system.apiResource, token)).status).toBe(200);
});
