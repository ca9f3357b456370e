import { expect, test } from 'vitest';
import * as z from 'zod';
import { openOrm } from '../../shared/database/orm.ts';
import { openTestDatabase } from '../../shared/testing/test-database.ts';
import { TodoListQuery } from '../../shared/todo/list-query.ts';
import { apiDatabase } from '../database/definition.ts';
import { listPage } from './todo-page.ts';

const WORDS = Array.from({ length: 10 }, (_, index) => `word${index}`);

test.each([
  ['a search for common words reads no todos of other owners', { q: WORDS.join(' ') }, 100],
  ['a filter by due time reads only what is due, in any order', { due_before: '2020-01-01', sort: '-priority' }, 0],
  [
    'filters by due time together read only what is due between them',
    { due_after: '2039-12-31', due_before: '2040-01-02', sort: 'created_at' },
    200,
  ],
] as const)('%s', async (_title, query, limit) => {
  await using database = await openTestDatabase();
  await using orm = await openOrm(database, apiDatabase);
  // 200 owners with 100 todos. Every third todo has all the words, and every fourth is due on a day
  await orm.em.execute(
    `insert into api.todo (owner, id, title, completed, created_at, updated_at, due_at, due_on, priority, tags, position, version, words)
     select 'owner ' || n % 200, gen_random_uuid(), 'a', false, now(), now(),
       case when n % 4 > 1 then '2030-01-01'::timestamptz + n * interval '1 hour' end,
       case when n % 4 = 1 then '2030-01-01'::date + n end, 4, '{}', n, 1, (case when n % 3 = 0 then ? else 'other' end)::tsvector
     from generate_series(1, 20000) n`,
    [WORDS.join(' ')],
  );
  await orm.em.execute('analyze api.todo');
  const connection = orm.em.getConnection();
  const plans: unknown[] = [];
  const execute: typeof connection.execute = async (sql, values, ...rest) => {
    plans.push(await connection.execute(`explain (analyze, format json) ${sql}`, values));
    return connection.execute(sql, values, ...rest);
  };
  await listPage({ execute }, 'owner 3', TodoListQuery.parse(query));
  expect(rowsRead(plans)).toBeLessThanOrEqual(limit);
});

test('a search finds the same in a short list and with the index of words', async () => {
  await using database = await openTestDatabase();
  await using orm = await openOrm(database, apiDatabase);
  await orm.em.execute(
    `insert into api.todo (owner, id, title, completed, created_at, updated_at, priority, tags, position, version, words)
     select 'owner ' || n % 2, gen_random_uuid(), n::text, false, now(), now(), 4, '{}', n, 1,
       (case when n % 3 = 0 then 'buy milk' else 'buy bread' end)::tsvector
     from generate_series(1, 30) n`,
  );
  const find = async (q: string) => {
    const query = TodoListQuery.parse({ q, sort: 'position' });
    return (await listPage(orm.em.getConnection(), 'owner 0', query)).todos.map(({ title }) => title);
  };
  const findAll = () => Promise.all(['buy mi', 'milk', 'buy', 'milk bread', '?', ''].map(find));
  const inShortList = await findAll();
  expect(inShortList.map((titles) => titles.length)).toEqual([5, 5, 15, 0, 0, 0]);
  await orm.em.execute("insert into api.todo_list (owner, todos) values ('owner 0', 10001)");
  expect(await findAll()).toEqual(inShortList);
});

const Rows = z.looseObject({ 'Actual Rows': z.number(), 'Rows Removed by Filter': z.number().optional() });

/** The most rows that one node of the plans has read. */
function rowsRead(plan: unknown): number {
  if (typeof plan !== 'object' || plan === null) return 0;
  const { data } = Rows.safeParse(plan);
  const own = data === undefined ? 0 : data['Actual Rows'] + (data['Rows Removed by Filter'] ?? 0);
  return Math.max(own, ...Object.values(plan).map(rowsRead));
}
