import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { apiDatabase } from '../../api/database/definition.ts';
import { openOrm } from '../../shared/database/orm.ts';
import { openTestDatabase } from '../../shared/testing/test-database.ts';

/** Whose todos are read. */
export const OWNER = 'alice';

/** A new database with the table of todos: 20 of `OWNER`'s, `todoId` among them, and 20 of each of 50 others. */
export type TodosDatabase = AsyncDisposable & { readonly url: string; readonly todoId: string };

/** Makes a database of todos on the PostgreSQL server that `TEST_DATABASE_URL` names. Disposing it drops it. */
export async function openTodosDatabase(): Promise<TodosDatabase> {
  await using opening = new AsyncDisposableStack();
  const database = opening.use(await openTestDatabase());
  if (database.kind !== 'postgresql') throw new Error('TEST_DATABASE_URL names no PostgreSQL server');
  await (await openOrm(database, apiDatabase))[Symbol.asyncDispose]();

  const todoId = randomUUID();
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  try {
    await client.query(
      `insert into api.todo (owner, title, description)
       select owner, 'Todo number ' || number, 'What is to be done, in a sentence of some length'
       from unnest(array[$1] || array(select 'other ' || n from generate_series(1, 50) n)) owner, generate_series(1, 20) number`,
      [OWNER],
    );
    await client.query("update api.todo set id = $1 where owner = $2 and title = 'Todo number 7'", [todoId, OWNER]);
    // without statistics the planner reads the whole table
    await client.query('vacuum analyze api.todo');
  } finally {
    await client.end();
  }
  const opened = opening.move();
  return { url: database.url, todoId, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}
