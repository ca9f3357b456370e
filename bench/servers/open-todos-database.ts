import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { pino } from 'pino';
import { apiDatabase } from '../../api/database/definition.ts';
import { openTodos } from '../../api/todos/todos.ts';
import type { Database } from '../../shared/database/database.ts';
import { openOrm } from '../../shared/database/orm.ts';
import { openTestDatabase } from '../../shared/testing/test-database.ts';
import { ImportedTodo } from '../../shared/todo/todo.ts';

/** The owner of the todos that are read. */
export const OWNER = 'alice';

/** A database with 20 todos of `OWNER`, one of them `todoId`, and with 20 todos of each of 50 other owners. */
export type TodosDatabase = AsyncDisposable & { readonly url: string; readonly todoId: string };

/** Creates a database of todos on the PostgreSQL server at `TEST_DATABASE_URL`. Disposing it drops it. */
export async function openTodosDatabase(): Promise<TodosDatabase> {
  await using opening = new AsyncDisposableStack();
  const database = opening.use(await openTestDatabase());
  if (database.kind !== 'postgresql') throw new Error('TEST_DATABASE_URL must name a PostgreSQL server');
  await using orm = await openOrm(database, apiDatabase);
  const todoId = crypto.randomUUID();
  await addTodos({ em: orm.em, database }, OWNER, 20, todoId);
  await copyTodos(orm.em, 50);
  const opened = opening.move();
  return { url: database.url, todoId, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/** Adds `count` todos of `owner`, as an import does. */
export async function addTodos(
  { em, database }: { em: SqlEntityManager; database: Database },
  owner: string,
  count: number,
  id?: string,
): Promise<void> {
  const todos = Array.from({ length: count }, (_, number) =>
    ImportedTodo.parse({
      title: `Todo number ${number}`,
      description: 'What is to be done, in a sentence of some length',
      priority: (number % 4) + 1,
      tags: ['bench', `tag ${number % 100}`],
      due_at: number % 2 === 0 ? new Date(Date.UTC(2027, 0, 1, number)).toISOString() : null,
      ...(number === 7 && id !== undefined && { id }),
    }),
  );
  const quota = { todos: count, bytes: count * 1_000 };
  await using opened = openTodos({ em, database, quota, logger: pino({ level: 'silent' }) });
  await opened.importTodos(owner, todos);
}

/**
 * Copies the todos to `others` owners, and collects statistics, without which the planner of PostgreSQL reads the whole
 * table.
 */
async function copyTodos(em: SqlEntityManager, others: number): Promise<void> {
  await em.execute(
    `insert into api.todo
     select gen_random_uuid(), 'other ' || other, title, description, completed, created_at, updated_at, completed_at,
       due_at, priority, tags, position, version, words, deleted_at
     from api.todo cross join generate_series(1, ?) other`,
    [others],
  );
  await em.execute('vacuum analyze api.todo');
}
