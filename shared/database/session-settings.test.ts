import { defineEntity, p } from '@mikro-orm/core';
import pg from 'pg';
import { expect, test } from 'vitest';
import { openTestDatabase } from '../testing/test-database.ts';
import { createConnectionOptions } from './connection-options.ts';
import { openOrm } from './orm.ts';
import { openPool } from './pool.ts';
import { applySessionSettings } from './session-settings.ts';

const Thing = defineEntity({ name: 'Thing', properties: { id: p.uuid().primary() } });

/** Settings that a database may have, and those that each connection must have instead. */
const SETTINGS: readonly (readonly [name: string, ofDatabase: string, ofConnection: string])[] = [
  ['DateStyle', 'German, DMY', 'ISO, MDY'],
  ['IntervalStyle', 'iso_8601', 'postgres'],
  ['TimeZone', 'Asia/Kolkata', 'UTC'],
  ['bytea_output', 'escape', 'hex'],
  ['extra_float_digits', '-10', '1'],
  ['standard_conforming_strings', 'off', 'on'],
  ['array_nulls', 'off', 'on'],
  ['transform_null_equals', 'on', 'off'],
  ['client_encoding', 'LATIN1', 'UTF8'],
  ['default_transaction_isolation', 'serializable', 'read committed'],
];

const NAMES = SETTINGS.map(([name]) => name);

const READ = `select array[${NAMES.map((name) => `current_setting('${name}')`).join(', ')}] as settings`;

test('each connection has the same settings, whatever the database and the URL have', async ({ skip }) => {
  await using database = await openTestDatabase();
  if (database.kind === 'embedded') return skip('the embedded database has its own settings only');
  const administrator = new pg.Client({ connectionString: database.url });
  await administrator.connect();
  const name = new URL(database.url).pathname.slice(1);
  for (const [setting, ofDatabase] of SETTINGS)
    await administrator.query(`alter database ${name} set ${setting} = '${ofDatabase}'`);
  await administrator.end();
  const url = new URL(database.url);
  url.search = `options=${encodeURIComponent('-c DateStyle=SQL -c TimeZone=Europe/Berlin')}`;

  const expected = SETTINGS.map(([, , ofConnection]) => ofConnection);
  await using opened = new AsyncDisposableStack();
  const client = opened.adopt(new pg.Client(createConnectionOptions(url.href)), (it) => it.end());
  await client.connect();
  // the test would prove nothing without this difference
  for (const [index, setting] of (await client.query(READ)).rows[0].settings.entries())
    expect(NAMES[index] === 'client_encoding' || setting !== expected[index], NAMES[index]).toBe(true);
  await applySessionSettings(client);
  expect((await client.query(READ)).rows[0].settings).toEqual(expected);

  const pool = opened.adopt(openPool(url.href, { max: 1, timeout: 5_000, onIdleError() {} }), (it) => it.end());
  expect((await pool.query(READ)).rows[0].settings).toEqual(expected);

  const definition = { schema: 'api', entities: [Thing], migrations: [] };
  const orm = opened.use(await openOrm({ kind: 'postgresql', url: url.href }, definition));
  expect(await orm.em.fork().execute(READ)).toEqual([{ settings: expected }]);
});
