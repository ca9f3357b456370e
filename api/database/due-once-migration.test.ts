import { expect, test } from 'vitest';
import { openOrm } from '../../shared/database/orm.ts';
import { openTestDatabase } from '../../shared/testing/test-database.ts';
import { apiDatabase } from './definition.ts';

test('a process that does not know due_on sets due_at, and the todo is due only then', async () => {
  await using database = await openTestDatabase();
  await using orm = await openOrm(database, apiDatabase);
  const { em, migrator } = orm;
  const setTime = (condition: string) => em.execute(`update api.todo set due_at = '2027-02-01' where ${condition}`);
  // back to the migration before it
  const place = apiDatabase.migrations.findIndex(({ name }) => name.endsWith('_due_once'));
  for (const _ of apiDatabase.migrations.slice(place)) await migrator.down();
  await em.execute(
    `insert into api.todo (owner, id, title, completed, created_at, updated_at, due_on, priority, tags, position, version, words)
     select 'ada', gen_random_uuid(), 'todo ' || n, false, now(), now(), '2027-01-31', 4, '{}', n, 1, '' from generate_series(1, 3) n`,
  );
  await setTime('position = 1');
  await migrator.up();
  await setTime('position = 2');
  await em.execute("update api.todo set title = 'renamed' where position = 3");
  expect(await em.execute('select title, due_at is not null as time, due_on from api.todo order by position')).toEqual([
    { title: 'todo 1', time: true, due_on: null },
    { title: 'todo 2', time: true, due_on: null },
    { title: 'renamed', time: false, due_on: '2027-01-31' },
  ]);
});
