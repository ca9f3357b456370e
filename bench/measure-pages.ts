import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { pino } from 'pino';
import { apiDatabase } from '../api/database/definition.ts';
import { openTodos } from '../api/todos/todos.ts';
import { openOrm } from '../shared/database/orm.ts';
import { openTestDatabase } from '../shared/testing/test-database.ts';
import { TodoListQuery } from '../shared/todo/list-query.ts';
import { median } from './statistics.ts';

/** The numbers of todos of the two owners. */
const FEW_TODOS = 100;
const MANY_TODOS = 1_000_000;

/** The number of times that each page is read. */
const REPETITIONS = 200;

/** The queries whose pages are read: each sort, and some filters. */
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

/** The time of a page of 50 for an owner with few todos and for an owner with many, in milliseconds. */
type Page = { readonly name: string; readonly few: number; readonly many: number };

/** Measures pages of 50: the first, and one from the middle with its cursor. Inserting the todos takes two minutes. */
export async function measurePages(): Promise<Page[]> {
  await using database = await openTestDatabase();
  await using orm = await openOrm(database, apiDatabase);
  const { em } = orm;
  await insertTodos(em, 'few', FEW_TODOS);
  await insertTodos(em, 'many', MANY_TODOS);
  await em.execute('analyze api.todo');
  await using todos = openTodos({
    em,
    database,
    quota: { todos: MANY_TODOS, bytes: 0 },
    logger: pino({ level: 'silent' }),
  });
  const pages: Page[] = [];
  for (const [name, parameters] of Object.entries(QUERIES)) {
    const query = TodoListQuery.parse(parameters);
    const measure = async (owner: string, count: number) => {
      // the cursor of a page in the middle, which a client reaches through the pages before
      let cursor: string | undefined;
      for (let skipped = 0; skipped < Math.min(count / 2, 1_000); skipped += 200) {
        const page = await todos.list(owner, { ...query, limit: 200, ...(cursor !== undefined && { cursor }) });
        if (page.next === undefined) break;
        cursor = page.next;
      }
      const milliseconds: number[] = [];
      for (let repetition = 0; repetition < REPETITIONS; repetition++) {
        const startedAt = performance.now();
        await todos.list(owner, { ...query, ...(repetition % 2 === 1 && cursor !== undefined && { cursor }) });
        milliseconds.push(performance.now() - startedAt);
      }
      return median(milliseconds);
    };
    pages.push({ name, few: await measure('few', FEW_TODOS), many: await measure('many', MANY_TODOS) });
  }
  return pages;
}

/** The number of todos that one statement inserts. */
const CHUNK_SIZE = 20_000;

async function insertTodos(em: SqlEntityManager, owner: string, count: number): Promise<void> {
  for (let from = 1; from <= count; from += CHUNK_SIZE) {
    await em.execute(
      `insert into api.todo (id, owner, title, description, completed, completed_at, due_at, priority, tags, position,
         version, words, created_at, updated_at, deleted_at)
       select gen_random_uuid(), ?, 'Todo number ' || n, null, n % 10 <> 0, case when n % 10 <> 0 then now() end,
         case when n % 2 = 0 then now() + n * interval '1 minute' end, n % 4 + 1, array['bench', 'tag ' || n % 100], n,
         1, array_to_tsvector(array['todo', 'number', n::text]), now() + n * interval '1 ms', now() - n * interval '1 ms', null
       from generate_series(?::int, ?::int) n`,
      [owner, from, Math.min(from + CHUNK_SIZE - 1, count)],
    );
  }
}
