import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { Database } from '../../shared/database/database.ts';
import type { TodoListQuery } from '../../shared/todo/list-query.ts';
import type { Todo } from '../../shared/todo/todo.ts';
import { createKeyedSemaphore } from './keyed-semaphore.ts';
import type { Quota } from './quota.ts';
import { countTodos, listPage, type TodoPage } from './todo-page.ts';
import { SELECT_TODO, type TodoRow, toTodo } from './todo-row.ts';
import { createTodoWriter, type ImportTodos, type WriteTodos } from './todo-writer.ts';

/** The todos of all owners. Each call names the owner and reads or writes only todos of that owner. */
export type Todos = {
  readonly find: (owner: string, id: string) => Promise<Todo | undefined>;
  /** Reads a page of a list. @throws {InvalidRequestError} when the cursor belongs to another list. */
  readonly list: (owner: string, query: TodoListQuery) => Promise<TodoPage>;
  /** Counts the todos on all pages of a list, up to `MAX_COUNT`. */
  readonly count: (owner: string, query: TodoListQuery) => Promise<number>;
  readonly write: WriteTodos;
  readonly importTodos: ImportTodos;
};

/**
 * Reads of one owner that run at the same time. The others wait in memory. Otherwise 100 requests for pages would keep the
 * database from all other owners. More than one, because on the embedded database each may wait for the transaction of an
 * import, and those that wait together run together.
 */
const MAX_CONCURRENT_READS = 4;

/** After a page of more characters, the next read of its owner begins when no other is running. */
const LARGE_PAGE_CHARACTERS = 100_000;

/**
 * Creates the access to the todos in a database. Reads bypass the entity manager: to hydrate and serialize entities would
 * take three times as long as the query itself.
 * @param quota what each owner can store.
 */
export function createTodos({ em, kind, quota }: TodosOptions): Todos {
  const connection = em.getConnection();
  const read = createKeyedSemaphore(MAX_CONCURRENT_READS);
  return {
    find: (owner, id) =>
      read(owner, async () => {
        const [found] = await connection.execute<TodoRow[]>(
          `select ${SELECT_TODO} from api.todo where owner = ? and id = ? and deleted_at is null`,
          [owner, id],
        );
        return found && toTodo(found);
      }),
    list: (owner, query) => read(owner, () => listPage(connection, owner, query), isLarge),
    count: (owner, query) => read(owner, () => countTodos(connection, owner, query)),
    ...createTodoWriter({ em, kind, quota }),
  };
}

function isLarge({ json }: TodoPage): boolean {
  return json.reduce((sum, { length }) => sum + length, 0) > LARGE_PAGE_CHARACTERS;
}

type TodosOptions = { readonly em: SqlEntityManager; readonly kind: Database['kind']; readonly quota: Quota };
