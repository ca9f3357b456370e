import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import pg from 'pg';
import { expect, test, vi } from 'vitest';
import { apiDatabase } from '../../api/database/definition.ts';
import { authDatabase } from '../../auth/database/definition.ts';
import { openEmbeddedDatabase } from '../../shared/database/database.ts';
import { type OrmDefinition, openOrm } from '../../shared/database/orm.ts';
import { applySessionSettings } from '../../shared/database/session-settings.ts';
import { makeTemporaryDirectory } from '../../shared/testing/temporary-directory.ts';
import { openTestDatabase } from '../../shared/testing/test-database.ts';
import { COMMANDS } from '../commands.ts';
import { runInProcess } from '../testing/run-in-process.ts';
import { listSequences, listTables, type Query } from './catalog.ts';
import { fillEveryTable } from './testing/fill-every-table.ts';

vi.setConfig({ testTimeout: 60_000 });

const onPostgresql = test.skipIf(process.env.TEST_DATABASE_URL === undefined);

/** An embedded database with rows in every table, and an empty database on the PostgreSQL server of the tests. */
async function openMove({ fill = fillEveryTable }: { fill?: (data: string) => Promise<void> } = {}) {
  await using opening = new AsyncDisposableStack();
  const directory = opening.use(makeTemporaryDirectory());
  const data = join(directory.path, 'data');
  const { url, query } = await openServerDatabase(opening);
  await fill(data);
  const opened = opening.move();
  return {
    data,
    url,
    query,
    run: (to = url, words: readonly string[] = [], showProgress?: (text: string) => void) =>
      runInProcess(['move', '--to', to, ...words], COMMANDS, { environment: { YATA_DATA_DIR: data }, showProgress }),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

async function openServerDatabase(resources: AsyncDisposableStack): Promise<{ url: string; query: Query }> {
  const database = resources.use(await openTestDatabase());
  if (database.kind === 'embedded') throw new Error('expected a PostgreSQL server');
  const client = new pg.Client({ connectionString: database.url });
  client.on('error', () => undefined);
  await client.connect();
  resources.defer(() => client.end());
  await applySessionSettings(client);
  return { url: database.url, query: async (sql, values) => (await client.query(sql, values)).rows };
}

/** Reads the embedded database as it is. */
async function readEmbedded<Result>(data: string, read: (query: Query) => Promise<Result>): Promise<Result> {
  await using database = await openEmbeddedDatabase(data);
  await applySessionSettings(database.pglite);
  return await read(
    async <Row>(sql: string, values?: unknown[]) => (await database.pglite.query<Row>(sql, values)).rows,
  );
}

/** Reads the rows of every table as texts. */
async function readRows(query: Query): Promise<Record<string, string[]>> {
  const rows: Record<string, string[]> = {};
  for (const { name } of await listTables(query)) {
    const read = await query<{ row: string }>(`select t::text as row from ${name} t order by t::text collate "C"`);
    rows[name] = read.map(({ row }) => row);
  }
  return rows;
}

/** Reads the state of every sequence. */
async function readSequences(query: Query): Promise<Record<string, unknown>> {
  const states: Record<string, unknown> = {};
  for (const { name } of await listSequences(query))
    [states[name]] = await query(`select last_value::text, is_called from ${name}`);
  return states;
}

/** Uses the next value of every sequence. */
async function useSequences(query: Query): Promise<Record<string, string | undefined>> {
  const next: Record<string, string | undefined> = {};
  for (const { name } of await listSequences(query)) {
    const [row] = await query<{ value: string }>(`select nextval('${name}')::text as value`);
    next[name] = row?.value;
  }
  return next;
}

async function readEverything(query: Query) {
  return { rows: await readRows(query), next: await useSequences(query) };
}

async function countRows(query: Query): Promise<number> {
  let count = 0;
  for (const { name } of await listTables(query)) {
    const [row] = await query<{ rows: number }>(`select count(*)::int as rows from ${name}`);
    count += row?.rows ?? 0;
  }
  return count;
}

onPostgresql('every table moves exactly, sequences go on, and the embedded database stays as it is', async () => {
  await using move = await openMove();
  await using listening = new AsyncDisposableStack();
  const listener = new pg.Client({ connectionString: move.url });
  await listener.connect();
  listening.defer(() => listener.end());
  const notified = vi.fn();
  listener.on('notification', notified);
  await listener.query('listen auth_client_changes; listen auth_status_changes');

  const readSource = () =>
    readEmbedded(move.data, async (query) => ({ ...(await readRows(query)), ...(await readSequences(query)) }));
  const before = await readSource();
  const shown: string[] = [];
  const { exitCode, stdout, stderr } = await move.run(move.url, ['--json'], (text) => shown.push(text));
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });

  expect(await readSource()).toEqual(before);
  const source = await readEmbedded(move.data, readEverything);
  const target = await readEverything(move.query);
  // a table of which this has no row would not be tested
  expect(Object.entries(source.rows).filter(([, rows]) => rows.length === 0)).toEqual([]);
  expect(target).toEqual(source);
  expect(target.next).toMatchObject({ 'auth.lease_id_seq': '4', 'auth.audit_event_id_seq': '4' });
  const counts = Object.entries(source.rows).map(([table, rows]) => ({ table, rows: rows.length }));
  const total = counts.reduce((sum, { rows }) => sum + rows, 0);
  expect(JSON.parse(stdout)).toEqual({ rows: total, seconds: expect.any(Number), tables: counts });
  expect(shown).toContain(
    `[${'#'.repeat(30)}] ${total.toLocaleString('en-US')} of ${total.toLocaleString('en-US')} rows copied`,
  );
  expect(shown.slice(-2)).toEqual([
    `[${'#'.repeat(30)}] ${total.toLocaleString('en-US')} of ${total.toLocaleString('en-US')} rows verified`,
    '',
  ]);

  // a notification that was sent would arrive before this one
  await listener.query("notify auth_client_changes, 'last'");
  expect(notified.mock.calls).toEqual([[expect.objectContaining({ payload: 'last' })]]);
  const disabled = "select tgname from pg_trigger where not tgisinternal and tgenabled <> 'O'";
  expect(await move.query(disabled)).toEqual([]);
});

onPostgresql(
  'a new table moves without a change of the program, also with columns that the database fills',
  async () => {
    await using move = await openMove({ fill: (data) => fillWith(data, [authDatabase, apiDatabase]) });
    for (const definition of [authDatabase, apiDatabase]) {
      await using _orm = await openOrm({ kind: 'postgresql', url: move.url }, definition);
    }
    const columns = '"The id" int generated always as identity, a int, twice int generated always as (a * 2) stored';
    await move.query(`create table api."more rows" (${columns})`);
    await readEmbedded(move.data, async (query) => {
      await query(`create table api."more rows" (${columns})`);
      await query('insert into api."more rows" (a) values (1), (2), (null)');
      await query('delete from api."more rows" where a is null');
    });
    expect(await move.run()).toMatchObject({ exitCode: 0, stderr: '' });
    await move.query('insert into api."more rows" (a) values (9)');
    expect(await move.query('select * from api."more rows" order by 1')).toEqual([
      { 'The id': 1, a: 1, twice: 2 },
      { 'The id': 2, a: 2, twice: 4 },
      { 'The id': 4, a: 9, twice: 18 },
    ]);
  },
);

onPostgresql('the result says what moved, and what the new installation needs', async () => {
  await using move = await openMove();
  const { stdout } = await move.run();
  expect(stdout).toMatch(/^Moved [\d,]+ rows in \d+ s, and verified each table in the PostgreSQL database:\n/);
  expect(stdout).toMatch(/^ {6}2 {2}auth\.client$/m);
  for (const needed of ['AUTH_DATABASE_URL', 'key-encryption-key', 'AUTH_ISSUER', 'Do not start yata with it again'])
    expect(stdout).toContain(needed);
});

onPostgresql('auth and api move to two databases, and each moves alone from a data directory of its own', async () => {
  await using move = await openMove();
  await using resources = new AsyncDisposableStack();
  const [auth, api] = [await openServerDatabase(resources), await openServerDatabase(resources)];
  const environment = { YATA_DATA_DIR: move.data, AUTH_DATABASE_URL: auth.url, API_DATABASE_URL: api.url };
  const missing = await runInProcess(['move'], COMMANDS, { environment: { ...environment, API_DATABASE_URL: '' } });
  expect(missing.stderr).toMatch(/^API_DATABASE_URL is not set, but the embedded database has data for it/);
  await api.query('create schema api create table more (id int)');
  const refused = await runInProcess(['move'], COMMANDS, { environment });
  expect(refused.stderr).toMatch(/^API_DATABASE_URL: the database has the table api\.more, which yata did not create/);
  expect(await listTables(auth.query)).toEqual([]);
  await api.query('drop schema api cascade');

  expect((await runInProcess(['move'], COMMANDS, { environment })).exitCode).toBe(0);
  const source = await readEmbedded(move.data, readEverything);
  const [ofAuth, ofApi] = [await readEverything(auth.query), await readEverything(api.query)];
  expect(Object.keys(ofAuth.rows).every((table) => table.startsWith('auth.'))).toBe(true);
  expect({ ...ofAuth.rows, ...ofApi.rows }).toEqual(source.rows);
  expect({ ...ofAuth.next, ...ofApi.next }).toEqual(source.next);
  // nothing of the tables stayed changed, such as a trigger
  for (const [url, definition] of [
    [auth.url, authDatabase],
    [api.url, apiDatabase],
  ] as const) {
    await using orm = await openOrm({ kind: 'postgresql', url }, definition);
    expect(await orm.migrator.checkSchema()).toBe(false);
  }

  const alone = join(move.data, 'api');
  await fillWith(alone, [apiDatabase]);
  const target = await openServerDatabase(resources);
  const moved = await runInProcess(['move', '--json'], COMMANDS, {
    environment: { YATA_DATA_DIR: alone, API_DATABASE_URL: target.url },
  });
  expect(JSON.parse(moved.stdout)).toMatchObject({ rows: 0 });
  expect((await listTables(target.query)).map(({ schema }) => schema)).not.toContain('auth');
});

async function fillWith(data: string, definitions: readonly OrmDefinition[]): Promise<void> {
  await using database = await openEmbeddedDatabase(data);
  for (const definition of definitions) {
    await using _orm = await openOrm(database, definition);
  }
}

onPostgresql('a database with rows is refused before anything in it changes, also a moved one', async () => {
  await using move = await openMove();
  const earlier = { ...authDatabase, migrations: authDatabase.migrations.slice(0, 2) };
  await using orm = await openOrm({ kind: 'postgresql', url: move.url }, earlier);
  await orm.em.execute("insert into auth.signing_key (kid, alg, encrypted_private_key) values ('k', 'ES256', 'c')");
  const refused = await move.run();
  expect(refused).toMatchObject({ exitCode: 1, stdout: '' });
  expect(refused.stderr).toMatch(/^--to: the table auth\.signing_key of the database has rows\. Use an empty database/);
  expect(await move.query('select name from auth.migration')).toHaveLength(2);
  expect(await countRows(move.query)).toBe(1);

  await move.query('delete from auth.signing_key');
  expect((await move.run()).exitCode).toBe(0);
  expect((await move.run()).stderr).toMatch(/^--to: the table [\w.]+ of the database has rows/);
});

onPostgresql('a database with tables that yata did not create is refused before anything in it changes', async () => {
  await using move = await openMove({ fill: (data) => fillWith(data, [authDatabase, apiDatabase]) });
  await move.query('create schema auth create table users (id int)');
  expect((await move.run()).stderr).toMatch(/^--to: the database has the table auth\.users, which yata did not create/);
  expect(await listTables(move.query)).toHaveLength(1);
});

onPostgresql('tables that are not those of the embedded database are refused', async () => {
  await using move = await openMove({ fill: (data) => fillWith(data, [apiDatabase]) });
  {
    await using _orm = await openOrm({ kind: 'postgresql', url: move.url }, apiDatabase);
  }
  await move.query('alter table api.todo_list alter column todos type bigint');
  expect((await move.run()).stderr).toMatch(/^--to: api\.todo_list is not the same in the database/);
  await move.query('alter table api.todo_list alter column todos type int; create sequence api.more');
  expect((await move.run()).stderr).toMatch(/^--to: api\.more is not the same in the database/);
  await move.query("drop sequence api.more; insert into api.migration (name) values ('Migration99999999999999_later')");
  expect((await move.run()).stderr).toMatch(/^--to: the database has tables of a newer version of yata/);
});

onPostgresql('an embedded database of another version is refused, and not migrated', async () => {
  const earlier = { ...authDatabase, migrations: authDatabase.migrations.slice(0, -1) };
  await using move = await openMove({ fill: (data) => fillWith(data, [earlier, apiDatabase]) });
  expect((await move.run()).stderr).toMatch(
    /^The embedded database is of an older version of yata\. Start this version/,
  );
  const executed = await readEmbedded(move.data, (query) => query('select name from auth.migration'));
  expect(executed).toHaveLength(earlier.migrations.length);
  expect(await listTables(move.query)).toEqual([]);

  await readEmbedded(move.data, (query) =>
    query("insert into api.migration (name) values ('Migration99999999999999_later')"),
  );
  await readEmbedded(move.data, (query) => query('delete from auth.migration'));
  await using other = await openMove({ fill: (data) => fillWith(data, [authDatabase, apiDatabase]) });
  await readEmbedded(other.data, (query) =>
    query("insert into api.migration (name) values ('Migration99999999999999_later')"),
  );
  expect((await other.run()).stderr).toMatch(/^The embedded database is of a newer version of yata/);
});

onPostgresql('a table of which this version knows nothing is not left behind in silence', async () => {
  await using move = await openMove({ fill: (data) => fillWith(data, [authDatabase, apiDatabase]) });
  await readEmbedded(move.data, (query) => query('create table public.more (id int)'));
  expect((await move.run()).stderr).toMatch(/^The embedded database has the table public\.more, which this version/);
});

test('no embedded database is created where there is none', async () => {
  using directory = makeTemporaryDirectory();
  const YATA_DATA_DIR = join(directory.path, 'data');
  const words = ['move', '--to', 'postgresql://127.0.0.1:1/yata'];
  const { exitCode, stderr } = await runInProcess(words, COMMANDS, { environment: { YATA_DATA_DIR } });
  expect({ exitCode, stderr }).toEqual({
    exitCode: 1,
    stderr: expect.stringMatching(/^There is no embedded database in /),
  });
  expect(existsSync(YATA_DATA_DIR)).toBe(false);
});

test('a data directory that yata uses, and a database that cannot be reached, are named', async () => {
  using directory = makeTemporaryDirectory();
  const YATA_DATA_DIR = join(directory.path, 'data');
  const run = () =>
    runInProcess(['move', '--to', '-'], COMMANDS, {
      environment: { YATA_DATA_DIR },
      readStdin: () => 'postgresql://ada:thePassword@127.0.0.1:1/yata\n',
    });
  {
    await using database = await openEmbeddedDatabase(YATA_DATA_DIR);
    await using _orm = await openOrm(database, apiDatabase);
    expect(await run()).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/^Another process uses the data directory/),
    });
  }
  const { exitCode, stderr } = await run();
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/^--to: cannot connect to the database "yata" at 127\.0\.0\.1:1\n/);
  expect(stderr).not.toContain('thePassword');
});

onPostgresql('a role that is no superuser can move, if it may create schemas', async () => {
  await using move = await openMove();
  const role = `move_${randomUUID().replaceAll('-', '')}`;
  await using created = new AsyncDisposableStack();
  await move.query(`create role ${role}`);
  created.defer(async () => void (await move.query(`drop owned by ${role} cascade; drop role ${role}`)));
  const url = new URL(move.url);
  const asRole = `${move.url}?options=${encodeURIComponent(`-c role=${role}`)}`;
  const refused = await move.run(asRole);
  expect(refused).toMatchObject({ exitCode: 1, stdout: '' });
  expect(refused.stderr).toMatch(
    /^--to: the tables of the schema auth cannot be created\. Nothing was moved\.\n {2}because: /,
  );
  expect(refused.stderr).toMatch(/permission denied for database/);

  await move.query(`grant create on database ${url.pathname.slice(1)} to ${role}`);
  expect(await move.run(asRole)).toMatchObject({ exitCode: 0, stderr: '' });
  expect(await countRows(move.query)).toBe(await readEmbedded(move.data, countRows));
});

onPostgresql('a row that changes on the way is noticed, and nothing stays in the database', async () => {
  await using move = await openMove();
  await readEmbedded(move.data, (query) => query("update auth.password set hash = 'the right hash'"));
  const corrupt = (text: string) => text.replaceAll('the right hash', 'the wrong hash');
  await using proxy = await startProxy(move.url, corrupt);
  const { exitCode, stderr } = await move.run(proxy.url);
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/^--to: the move failed, and was rolled back\./);
  expect(stderr).toMatch(
    /the rows of auth\.password in the database are not those of the embedded database \(1 row there, 1 row here\)/,
  );
  expect(await countRows(move.query)).toBe(0);
  // without the proxy, the same data is moved
  expect((await move.run()).exitCode).toBe(0);
});

/**
 * A proxy in front of a PostgreSQL server.
 * @param change returns what is sent on instead of a text of the client; undefined breaks the connection.
 */
async function startProxy(url: string, change: (text: string) => string | undefined) {
  const { hostname, port } = new URL(url);
  const server = createServer((client) => {
    const upstream = connect(Number(port || 5432), hostname);
    client.on('data', (chunk) => {
      const changed = change(chunk.toString('latin1'));
      if (changed === undefined) client.destroy();
      else upstream.write(Buffer.from(changed, 'latin1'));
    });
    upstream.pipe(client);
    client.on('close', () => upstream.destroy()).on('error', () => undefined);
    upstream.on('close', () => client.destroy()).on('error', () => undefined);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const proxied = new URL(url);
  const address = server.address();
  proxied.host = `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  return { url: proxied.href, [Symbol.asyncDispose]: async () => void server.close() };
}

onPostgresql(
  'a connection that breaks during the commit is an outcome that is not known, and the error says what to do',
  async () => {
    await using move = await openMove();
    await using resources = new AsyncDisposableStack();
    let copied = false;
    const breakAtCommit = (text: string) => {
      copied ||= text.includes('from stdin');
      return copied && text.includes('commit') ? undefined : text;
    };
    const proxy = resources.use(await startProxy(move.url, breakAtCommit));
    expect((await move.run(proxy.url)).stderr).toMatch(/^--to: the connection broke while the move was committed\./);
    // here the commit did not arrive
    await vi.waitFor(async () => expect(await countRows(move.query)).toBe(0), 10_000);

    copied = false;
    const auth = await openServerDatabase(resources);
    const environment = { YATA_DATA_DIR: move.data, AUTH_DATABASE_URL: auth.url, API_DATABASE_URL: proxy.url };
    const { exitCode, stderr } = await runInProcess(['move'], COMMANDS, { environment });
    expect({ exitCode, stderr }).toEqual({
      exitCode: 1,
      stderr: expect.stringMatching(
        /^The move to the database of AUTH_DATABASE_URL is committed, and the move to that of API_DATABASE_URL failed/,
      ),
    });
    expect(await countRows(auth.query)).toBeGreaterThan(0);
    // what the error says to do
    await auth.query('drop schema auth cascade');
    await vi.waitFor(async () => expect(await countRows(move.query)).toBe(0), 10_000);
    const direct = { ...environment, API_DATABASE_URL: move.url };
    expect((await runInProcess(['move'], COMMANDS, { environment: direct })).exitCode).toBe(0);
  },
);

onPostgresql('tables that another process uses are not waited for without an end', async () => {
  await using move = await openMove({ fill: (data) => fillWith(data, [apiDatabase]) });
  {
    await using _orm = await openOrm({ kind: 'postgresql', url: move.url }, apiDatabase);
  }
  await move.query('begin; select from api.todo_list');
  expect((await move.run()).stderr).toMatch(/^--to: other processes use the tables of the database\. Stop each yata/);
  await move.query('commit');
  expect((await move.run()).exitCode).toBe(0);
});

onPostgresql.each(['kill -9', 'a lost connection'])(
  'after %s in the middle nothing is moved, and a repeat moves all',
  async (how) => {
    await using move = await openMove();
    await readEmbedded(move.data, (query) =>
      query(
        `insert into api.todo_change (owner, sequence, change, todo_id, version, todo, at)
       select 'bob', n, 'created', gen_random_uuid(), 1, json_build_object('title', repeat(n::text, 50)), now() from generate_series(1, 60000) n`,
      ),
    );
    const child = spawn(process.execPath, ['yata.ts', 'move'], {
      env: {
        PATH: process.env.PATH,
        YATA_DATA_DIR: move.data,
        AUTH_DATABASE_URL: move.url,
        API_DATABASE_URL: move.url,
      },
    });
    let stderr = '';
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    const ended = once(child, 'close');
    const copying = "from pg_stat_activity where datname = current_database() and query like 'copy api.todo_change%'";
    await vi.waitFor(async () => expect(await move.query(`select ${copying}`)).toHaveLength(1), {
      timeout: 30_000,
      interval: 5,
    });
    if (how === 'kill -9') child.kill('SIGKILL');
    else await move.query(`select pg_terminate_backend(pid) ${copying}`);
    const [code, signal] = await ended;
    if (how === 'kill -9') expect(signal).toBe('SIGKILL');
    else
      expect({ code, stderr }).toEqual({
        code: 1,
        stderr: expect.stringMatching(/the move failed, and was rolled back/),
      });
    await vi.waitFor(async () => expect(await countRows(move.query)).toBe(0), 10_000);

    expect((await move.run()).exitCode).toBe(0);
    const source = await readEmbedded(move.data, countRows);
    expect(await countRows(move.query)).toBe(source);
  },
);
