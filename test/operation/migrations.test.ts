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

test('processes that start at the same time run each migration once', async ({ skip }) => {
  await using database = await openTestDatabase();
  skip(database.kind === 'embedded', 'only one process can open the embedded database');
  const orms = await Promise.all([1, 2, 3].map(() => openOrm(database, authDatabase, { poolSize: 3 })));
  const [first] = orms;
  const executed = (await first?.em.execute('select name from auth.migration')) ?? [];
  expect(executed).toHaveLength(authDatabase.migrations.length);
  await Promise.all(orms.map((orm) => orm[Symbol.asyncDispose]()));
});
