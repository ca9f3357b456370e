import pg from 'pg';
import { expect, test } from 'vitest';
import { openTestDatabase } from '../../shared/testing/test-database.ts';
import { listTables, type Query } from './catalog.ts';
import { type Digest, digest, forEachPart } from './pages.ts';

/** Opens a database with a table `t`. */
async function openTable(sql: string) {
  const database = await openTestDatabase();
  await using opening = new AsyncDisposableStack();
  opening.use(database);
  let query: Query;
  if (database.kind === 'embedded') {
    const { pglite } = database;
    query = async <Row>(statement: string, values?: unknown[]) => (await pglite.query<Row>(statement, values)).rows;
  } else {
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    opening.defer(() => client.end());
    query = async (statement, values) => (await client.query(statement, values)).rows;
  }
  await query('create schema s');
  await query(`create table s.t ${sql}`);
  const [table] = await listTables(query);
  if (table === undefined) throw new Error('the table is not listed');
  const opened = opening.move();
  return { query, table, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

async function digestParts({
  query,
  table,
}: Awaited<ReturnType<typeof openTable>>): Promise<Digest & { parts: number[] }> {
  const total: Digest & { parts: number[] } = { rows: 0, sum: 0n, parts: [] };
  let result = total;
  await forEachPart(query, table, async (pages) => {
    const { rows, sum, bytes } = await digest(query, table, pages);
    result = { rows: result.rows + rows, sum: result.sum + sum, parts: [...result.parts, bytes] };
    return bytes;
  });
  return result;
}

test('the parts of a table are all its rows, once, also after many were deleted and moved to other pages', async () => {
  await using opened = await openTable("as select n as id, repeat('x', 500) as text from generate_series(1, 60000) n");
  const whole = await digestParts(opened);
  expect(whole.rows).toBe(60_000);
  expect(whole.parts.length).toBeGreaterThan(3);

  await opened.query('delete from s.t where id between 20000 and 50000');
  await opened.query('update s.t set text = text where id % 2 = 0');
  const [count] = await opened.query<{ rows: number }>('select count(*)::int as rows from s.t');
  const scattered = await digestParts(opened);
  expect(scattered.rows).toBe(count?.rows);

  // the same rows in another order and other pages
  await opened.query('create table s.u as select * from s.t order by id desc');
  await opened.query('drop table s.t');
  await opened.query('alter table s.u rename to t');
  const rewritten = await digestParts(opened);
  expect({ rows: rewritten.rows, sum: rewritten.sum }).toEqual({ rows: scattered.rows, sum: scattered.sum });
});

test('a part stays small when the rows are large', async () => {
  await using opened = await openTable('(id int, text text)');
  // incompressible, so that the rows are a few bytes in their pages
  await opened.query(
    `insert into s.t select n, (select string_agg(md5(n::text || m), '') from generate_series(1, 3200) m) from generate_series(1, 400) n`,
  );
  const { rows, parts } = await digestParts(opened);
  expect(rows).toBe(400);
  expect(parts.reduce((sum, bytes) => sum + bytes, 0)).toBeGreaterThan(40_000_000);
  // the first part cannot know it
  expect(Math.max(...parts.slice(1))).toBeLessThan(16_000_000);
});

test('an empty table has no parts', async () => {
  await using opened = await openTable('(id int)');
  expect(await digestParts(opened)).toEqual({ rows: 0, sum: 0n, parts: [] });
});

test.each([
  "update s.t set text = 'b' where id = 7",
  "update s.t set text = '' where id = 7",
  'update s.t set text = null where id = 7',
  'update s.t set at = at + interval $$1 microsecond$$ where id = 7',
  'update s.t set number = number + 1e-15 where id = 7',
  "update s.t set bytes = '\\x0001' where id = 7",
  'update s.t set id = -7 where id = 7',
  'delete from s.t where id = 7',
  'insert into s.t select * from s.t where id = 7',
  'update s.t set id = 15 - id where id in (7, 8)',
])('the digest changes with %s', async (change) => {
  await using opened = await openTable(
    "as select n as id, 'a' || n as text, now() as at, 0.1::float8 as number, '\\x00'::bytea as bytes from generate_series(1, 9) n",
  );
  const before = await digestParts(opened);
  expect((await digestParts(opened)).sum).toBe(before.sum);
  await opened.query(change);
  expect((await digestParts(opened)).sum).not.toBe(before.sum);
});
