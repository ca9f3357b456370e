import { setTimeout as delay } from 'node:timers/promises';
import { defineEntity, p } from '@mikro-orm/core';
import pg from 'pg';
import { expect, test } from 'vitest';
import { openTestDatabase } from '../testing/test-database.ts';
import { isDatabaseUnavailable } from './database-unavailable.ts';
import { connectOrm, openOrm } from './orm.ts';

const Thing = defineEntity({ name: 'Thing', properties: { id: p.uuid().primary() } });

test('a connection that breaks during a transaction is replaced', async ({ skip }) => {
  await using database = await openTestDatabase();
  skip(database.kind === 'embedded', 'the embedded database has no connection to break');
  await using orm = await openOrm(database, { schema: 'api', entities: [Thing], migrations: [] }, { poolSize: 2 });
  for (let round = 0; round < 3; round += 1) {
    const broken = orm.em.fork().transactional(async (em) => {
      await em.execute('select pg_terminate_backend(pg_backend_pid())');
      await em.execute('select 1');
    });
    await expect(broken).rejects.toSatisfy(isDatabaseUnavailable);
  }
  expect(await orm.em.fork().execute('select 1 as one')).toEqual([{ one: 1 }]);
});

test('statements one after another let other work run between them', async () => {
  await using database = await openTestDatabase();
  await using orm = await openOrm(database, { schema: 'api', entities: [Thing], migrations: [] });
  let turns = 0;
  const count = () => {
    turns += 1;
    next = setImmediate(count);
  };
  let next = setImmediate(count);
  for (let statement = 0; statement < 20; statement += 1) await orm.em.fork().execute('select 1');
  await orm.em.fork().transactional(async (em) => {
    for (let statement = 0; statement < 20; statement += 1) await em.execute('select 1');
  });
  clearImmediate(next);
  expect(turns).toBeGreaterThanOrEqual(39);
});

test('a transaction that is idle for too long ends and releases its locks', async ({ skip }) => {
  await using database = await openTestDatabase();
  skip(database.kind === 'embedded', 'the embedded database has one connection');
  await using orm = await openOrm(database, { schema: 'api', entities: [Thing], migrations: [] }, { poolSize: 2 });
  expect(await orm.em.fork().execute('show idle_in_transaction_session_timeout')).toEqual([
    { idle_in_transaction_session_timeout: '10s' },
  ]);
  const silent = orm.em.fork().transactional(async (em) => {
    await em.execute("set local idle_in_transaction_session_timeout = '50ms'");
    await delay(300);
    await em.execute('select 1');
  });
  await expect(silent).rejects.toSatisfy(isDatabaseUnavailable);
});

test('a statement may take as long as its connections allow', async ({ skip }) => {
  await using database = await openTestDatabase();
  skip(database.kind === 'embedded', 'the embedded database has no timeout');
  const definition = { schema: 'api', entities: [Thing], migrations: [] };
  await using impatient = await openOrm(database, definition, { answerTimeout: 200 });
  await using patient = await openOrm(database, definition, { answerTimeout: 10_000 });
  const [rejected, fulfilled] = await Promise.allSettled(
    [impatient, patient].map(({ em }) => em.fork().execute('select 1 as one from pg_sleep(0.5)')),
  );
  expect(rejected).toMatchObject({ status: 'rejected' });
  expect(fulfilled).toEqual({ status: 'fulfilled', value: [{ one: 1 }] });
});

test('more requests than may wait for a connection fail at once, and those that wait get one', async ({ skip }) => {
  await using database = await openTestDatabase();
  skip(database.kind === 'embedded', 'the embedded database has one connection');
  const definition = { schema: 'api', entities: [Thing], migrations: [] };
  await using orm = await connectOrm(database, definition, { poolSize: 1, maxWaiting: 2 });
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const holding = orm.em.fork().transactional(async (em) => {
    await em.execute('select 1');
    begin();
    await released;
  });
  await begun;
  const waiting = [1, 2].map(() => orm.em.fork().execute('select 1 as one'));
  // both of them are in the queue by then
  await delay(50);
  await expect(orm.em.fork().execute('select 1')).rejects.toSatisfy(isDatabaseUnavailable);
  release();
  await holding;
  expect(await Promise.all(waiting)).toEqual([[{ one: 1 }], [{ one: 1 }]]);
  expect(await orm.em.fork().execute('select 1 as one')).toEqual([{ one: 1 }]);
});

test('further connections to a migrated database do not migrate it', async () => {
  await using database = await openTestDatabase();
  const definition = { schema: 'api', entities: [Thing], migrations: [] };
  await using first = await openOrm(database, definition);
  await first.em.fork().execute('drop schema api cascade');
  await using second = await connectOrm(database, definition);
  expect(await second.em.fork().execute("select 1 from pg_namespace where nspname = 'api'")).toEqual([]);
});

test('a database that does not exist is not created, and the error names it', async ({ skip }) => {
  await using database = await openTestDatabase();
  if (database.kind === 'embedded') return skip('the embedded database has no name');
  const url = new URL(database.url);
  const misspelt = `${url.pathname.slice(1)}_misspelt`;
  url.pathname = misspelt;
  const opened = openOrm({ kind: 'postgresql', url: url.href }, { schema: 'api', entities: [Thing], migrations: [] });
  await expect(opened).rejects.toThrow(
    `API_DATABASE_URL: the database "${misspelt}" does not exist at ${url.host}. Create it, or correct the name.`,
  );
  await expect(opened).rejects.not.toSatisfy(isDatabaseUnavailable);
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  const { rows } = await client.query('select datname from pg_database where datname = $1', [misspelt]);
  await client.end();
  expect(rows).toEqual([]);
});
