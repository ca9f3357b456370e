import { expect, test } from 'vitest';
import { openOrm } from '../../shared/database/orm.ts';
import { openTestDatabase } from '../../shared/testing/test-database.ts';
import { apiDatabase } from './definition.ts';

test('todos of before are found in every language, and their tags get one form', async () => {
  await using database = await openTestDatabase();
  await using orm = await openOrm(database, apiDatabase);
  const { em, migrator } = orm;
  // back to the migration before it
  const place = apiDatabase.migrations.findIndex(({ name }) => name.endsWith('_search_in_every_language'));
  for (const _ of apiDatabase.migrations.slice(place)) await migrator.down();
  await em.execute("insert into api.todo_list (owner, todos, bytes) values ('ada', 2, 100)");
  const insert = (id: string, title: string, tags: string) =>
    em.execute(
      `insert into api.todo (owner, id, title, completed, created_at, updated_at, priority, tags, position, version, words)
       values ('ada', ?, ?, false, now(), now(), 4, ?::text[], 0, 1, '')`,
      [id, title, tags],
    );
  await insert('00000000-0000-4000-8000-000000000001', '买牛奶', '{"cafe\u0301"," caf\u00e9 ",home}');
  await insert('00000000-0000-4000-8000-000000000002', 'buy milk', '{home}');
  await migrator.up();
  expect(await em.execute('select title, words::text as words, tags from api.todo order by id')).toEqual([
    { title: '买牛奶', words: "'买牛' '奶' '牛奶'", tags: ['caf\u00e9', 'home'] },
    // nothing of it changes
    { title: 'buy milk', words: '', tags: ['home'] },
  ]);
  const bytes = Buffer.byteLength('买牛奶caf\u00e9homebuy milkhome');
  expect(await em.execute('select bytes::int as bytes from api.todo_list')).toEqual([{ bytes }]);
});
