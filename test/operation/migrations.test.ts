import { expect, test } from 'vitest';
import { apiDatabase } from '../../api/database/definition.ts';
import { authDatabase } from '../../auth/database/definition.ts';
import { openOrm } from '../../shared/database/orm.ts';
import { openTestDatabase } from '../../shared/testing/test-database.ts';

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

test('processes that start at the same time run each migration once', async ({ skip }) => {
  await using database = await openTestDatabase();
  skip(database.kind === 'embedded', 'only one process can open the embedded database');
  const orms = await Promise.all([1, 2, 3].map(() => openOrm(database, authDatabase, { poolSize: 3 })));
  const [first] = orms;
  const executed = (await first?.em.execute('select name from auth.migration')) ?? [];
  expect(executed).toHaveLength(authDatabase.migrations.length);
  await Promise.all(orms.map((orm) => orm[Symbol.asyncDispose]()));
});
