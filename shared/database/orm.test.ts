import { setTimeout as delay } from 'node:timers/promises';
import { defineEntity, p } from '@mikro-orm/core';
import { expect, test } from 'vitest';
import { openTestDatabase } from '../testing/test-database.ts';
import { isDatabaseUnavailable } from './database-unavailable.ts';
import { openOrm } from './orm.ts';

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
