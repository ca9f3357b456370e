import { defineEntity, p } from '@mikro-orm/core';
import { expect, test } from 'vitest';
import { openTestDatabase } from '../testing/test-database.ts';
import { isDatabaseUnavailable } from './database-unavailable.ts';
import { openOrm } from './orm.ts';
import { executePrepared } from './prepared-statements.ts';

const Thing = defineEntity({ name: 'Thing', properties: { id: p.uuid().primary() } });

async function open() {
  await using opening = new AsyncDisposableStack();
  const database = opening.use(await openTestDatabase());
  const definition = { schema: 'api', entities: [Thing], migrations: [] };
  const { em } = opening.use(await openOrm(database, definition, { poolSize: 2 }));
  const opened = opening.move();
  return { em, kind: database.kind, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

test('a statement gets its values in their order, and is prepared once', async () => {
  await using opened = await open();
  const sql = 'select ?::text || ?::text as both, \'{"a":1}\'::jsonb as json';
  for (const one of ['a', "it's"])
    expect(await executePrepared(opened.em, sql, [one, 'b'])).toEqual([{ both: `${one}b`, json: { a: 1 } }]);
  if (opened.kind === 'embedded') return;
  const prepared = await opened.em.execute("select 1 from pg_prepared_statements where statement like '%as both%'");
  expect(prepared).toHaveLength(1);
});

test('a rejected statement leaves the connection as it was, and a broken connection is replaced', async ({ skip }) => {
  await using opened = await open();
  skip(opened.kind === 'embedded', 'the embedded database has no connections');
  const execute = (sql: string, values: readonly unknown[] = []) => executePrepared(opened.em, sql, values);
  const [before] = await execute('select pg_backend_pid() as pid');
  await expect(execute('select 1 / ?::int', [0])).rejects.toThrow('division by zero');
  expect(await execute('select pg_backend_pid() as pid')).toEqual([before]);
  // in the middle of a statement: the error must reach its caller, and nothing else
  const ended = await execute('select pg_terminate_backend(pg_backend_pid()), pg_sleep(5)').catch((error) => error);
  expect(isDatabaseUnavailable(ended)).toBe(true);
  expect(await execute('select pg_backend_pid() as pid')).not.toEqual([before]);
});
