import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { apiDatabase } from '../api/database/definition.ts';
import { createTodos } from '../api/todos/todos.ts';
import { openOrm } from '../shared/database/orm.ts';
import { openTestDatabase } from '../shared/testing/test-database.ts';
import { TodoListQuery } from '../shared/todo/list-query.ts';
import { median } from './statistics.ts';

/** Todos of the owner with few, and of the one with many. */
const FEW = 100;
const MANY = 1_000_000;

/** How often each page is read. */
const TIMES = 200;

/** The lists whose pages are read: each sort, and filters of every kind. */
const QUERIES: Readonly<Record<string, Record<string, string>>> = {
  'by created_at': {},
  'by -updated_at': { sort: '-updated_at' },
  'by due_at': { sort: 'due_at' },
  'by priority': { sort: 'priority' },
  'by -position': { sort: '-position' },
  'open, by due_at': { completed: 'false', sort: 'due_at' },
  'of a tag': { tag: 'tag 7' },
  'with a word': { q: 'number' },
};

/** What a page of 50 costs an owner of few todos and one of many, in milliseconds. */
type Page = { readonly name: string; readonly few: number; readonly many: number };

/** Measures pages of 50: the first, and one from the middle by its cursor. It takes two minutes, to make the todos. */
export async function measurePages(): Promise<Page[]> {
  await using database = await openTestDatabase();
  await using orm = await openOrm(database, apiDatabase);
  const { em } = orm;
  await insertTodos(em, 'few', FEW);
  await insertTodos(em, 'many', MANY);
  await em.execute('analyze api.todo');
  const todos = createTodos(em);
  const pages: Page[] = [];
  for (const [name, given] of Object.entries(QUERIES)) {
    const query = TodoListQuery.parse(given);
    const time = async (owner: string, count: number) => {
      // from the middle, as whoever follows the links comes there
      let cursor: string | undefined;
      for (let walked = 0; walked < Math.min(count / 2, 1_000); walked += 200) {
        const page = await todos.list(owner, { ...query, limit: 200, ...(cursor !== undefined && { cursor }) });
        if (page.next === undefined) break;
        cursor = page.next;
      }
      const times: number[] = [];
      for (let turn = 0; turn < TIMES; turn++) {
        const began = performance.now();
        await todos.list(owner, { ...query, ...(turn % 2 === 1 && cursor !== undefined && { cursor }) });
        times.push(performance.now() - began);
      }
      return median(times);
    };
    pages.push({ name, few: await time('few', FEW), many: await time('many', MANY) });
  }
  return pages;
}

/** Todos that a statement inserts. */
const CHUNK = 20_000;

async function insertTodos(em: SqlEntityManager, owner: string, count: number): Promise<void> {
  for (let from = 1; from <= count; from += CHUNK) {
    await em.execute(
      `insert into api.todo (id, owner, title, description, completed, completed_at, due_at, priority, tags, position,
         version, words, created_at, updated_at, deleted_at)
       select gen_random_uuid(), ?, 'Todo number ' || n, null, n % 10 <> 0, case when n % 10 <> 0 then now() end,
         case when n % 2 = 0 then now() + n * interval '1 minute' end, n % 4 + 1, array['bench', 'tag ' || n % 100], n,
         1, array_to_tsvector(array['todo', 'number', n::text]), now() + n * interval '1 ms', now() - n * interval '1 ms', null
       from generate_series(?::int, ?::int) n`,
      [owner, from, Math.min(from + CHUNK - 1, count)],
    );
  }
}
