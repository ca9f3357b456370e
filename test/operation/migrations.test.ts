import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { apiDatabase } from '../../api/database/definition.ts';
import { authDatabase } from '../../auth/database/definition.ts';
import { connectOrm, type OrmDefinition, openOrm, runMigrations } from '../../shared/database/orm.ts';
import { waitForMigrations } from '../../shared/database/pending-migrations.ts';
import { openTestDatabase } from '../../shared/testing/test-database.ts';
import { runYata } from '../support/run-yata.ts';

test.each([authDatabase, apiDatabase])(
  'the migrations of $schema create the tables of its entities',
  async (definition) => {
    await using database = await openTestDatabase();
    await using orm = await openOrm(database, definition);
    expect(await orm.migrator.checkSchema()).toBe(false);
  },
);

test('todos of earlier versions are kept, counted for the quota and keyed by their owner', async () => {
  await using database = await openTestDatabase();
  {
    const earlier = { ...apiDatabase, migrations: apiDatabase.migrations.slice(0, 2) };
    await using orm = await openOrm(database, earlier);
    await orm.em.execute("insert into api.todo_list (owner, sequence) values ('with a list', 7), ('empty', 1)");
    await orm.em.execute(
      `insert into api.todo_change (owner, sequence, change, todo_id, version, todo, at)
       values ('with a list', 6, 'created', gen_random_uuid(), 1, '{"a":"é"}', now()),
         ('with a list', 7, 'deleted', gen_random_uuid(), 2, null, now())`,
    );
    await orm.em.execute(
      `insert into api.todo (id, owner, title, description, completed, priority, tags, position, version, words, created_at, updated_at, deleted_at)
       select gen_random_uuid(), owner, title, description, false, 4, tags, 1, 1, '', now(), now(), deleted_at
       from (values ('with a list', 'é', 'abc', '{a,bc}'::text[], null::timestamptz), ('with a list', 'a', null, '{}', now()),
         ('without a list', 'a', null, '{}', null)) old (owner, title, description, tags, deleted_at)`,
    );
  }
  await using orm = await openOrm(database, apiDatabase);
  const lists = await orm.em.execute(
    'select owner, sequence::int as sequence, todos, bytes::int as bytes, change_bytes::int as changes from api.todo_list order by owner',
  );
  expect(lists).toEqual([
    { owner: 'empty', sequence: 1, todos: 0, bytes: 0, changes: 0 },
    { owner: 'with a list', sequence: 7, todos: 2, bytes: 9, changes: 10 },
    { owner: 'without a list', sequence: 0, todos: 1, bytes: 1, changes: 0 },
  ]);
  // another owner can have a todo with the same id, and the same owner cannot
  const copy = (owner: string) =>
    orm.em.execute(
      `insert into api.todo select id, ?, title, description, completed, created_at, updated_at, completed_at, due_at, priority,
         tags, position, version, words, deleted_at
       from api.todo where owner = 'without a list'`,
      [owner],
    );
  await copy('another');
  await expect(copy('another')).rejects.toThrow(/duplicate key value violates unique constraint "todo_pkey"/);
});

test.each([authDatabase, apiDatabase])(
  'processes that start at the same time run each migration of $schema once',
  async (definition) => {
    await using database = await openTestDatabase();
    // only one process can open the embedded database
    if (database.kind === 'embedded') return;
    const orms = await Promise.all([1, 2, 3].map(() => openOrm(database, definition, { poolSize: 3 })));
    const [first] = orms;
    const executed = (await first?.em.execute(`select name from ${definition.schema}.migration`)) ?? [];
    expect(executed).toHaveLength(definition.migrations.length);
    await Promise.all(orms.map((orm) => orm[Symbol.asyncDispose]()));
  },
);

test('a process that leaves migrations to a job waits for it, and goes on at a later schema', async ({ skip }) => {
  await using database = await openTestDatabase();
  if (database.kind === 'embedded') return skip('the embedded database has no job');
  const earlier = { ...apiDatabase, migrations: apiDatabase.migrations.slice(0, 2) };
  let isOpen = false;
  const opening = openOrm(database, apiDatabase, { migrations: 'job', poolSize: 1 }).finally(() => {
    isOpen = true;
  });
  await runMigrations(database, earlier);
  await delay(1_200);
  expect(isOpen).toBe(false);
  const names = apiDatabase.migrations.map(({ name }) => name);
  expect(await runMigrations(database, apiDatabase)).toEqual(names.slice(2));
  expect(await runMigrations(database, apiDatabase)).toEqual([]);
  await using orm = await opening;
  await waitForMigrations(orm.em, earlier, { timeout: 0 });
});

test('a process for which no job runs the migrations says which are missing', async ({ skip }) => {
  await using database = await openTestDatabase();
  if (database.kind === 'embedded') return skip('the embedded database has no job');
  await using orm = await connectOrm(database, authDatabase, { poolSize: 1 });
  await expect(waitForMigrations(orm.em, authDatabase, { timeout: 0 })).rejects.toThrow(
    /^The schema auth is older than this version: \d+ migrations have not run, from Migration20261123132753_clients_keys_artifacts on\. Run `yata migrate`/,
  );
  // it has changed nothing
  expect(await orm.em.execute("select to_regnamespace('auth') as schema")).toEqual([{ schema: null }]);
});

test('`yata migrate` brings both databases up to date, and says so', async ({ skip }) => {
  await using database = await openTestDatabase();
  if (database.kind === 'embedded') return skip('the embedded database has no job');
  const environment = { AUTH_DATABASE_URL: database.url, API_DATABASE_URL: database.url };
  const first = await runYata(['migrate', '--json'], { environment });
  expect(first, first.stderr).toMatchObject({ code: 0 });
  const names = ({ migrations }: OrmDefinition) => migrations.map(({ name }) => name);
  expect(JSON.parse(first.stdout)).toEqual({
    auth: { executed: names(authDatabase) },
    api: { executed: names(apiDatabase) },
  });
  const second = await runYata(['migrate'], { environment });
  expect(second).toMatchObject({ code: 0, stdout: 'auth is up to date\napi is up to date\n' });
});

test('`yata migrate` without a PostgreSQL database is an error', async () => {
  const { code, stderr } = await runYata(['migrate']);
  expect([code, stderr]).toEqual([1, expect.stringContaining('AUTH_DATABASE_URL, API_DATABASE_URL: expected one')]);
});
