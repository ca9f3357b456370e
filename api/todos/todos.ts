import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { Logger } from 'pino';
import type { Database } from '../../shared/database/database.ts';
import type { ObservePool } from '../../shared/database/observe-pools.ts';
import type { TodoListQuery } from '../../shared/todo/list-query.ts';
import type { Todo } from '../../shared/todo/todo.ts';
import type { InContext } from '../../shared/tracing/tracing.ts';
import type { ChangedList } from './change-feed/change-notifications.ts';
import { createKeyedSemaphore } from './keyed-semaphore.ts';
import { findOwnersToPurge, purgeList } from './purge-todos.ts';
import type { Quota } from './quota.ts';
import { countTodos, listPage, type TodoPage } from './todo-page.ts';
import { SELECT_TODO, type TodoRow, toTodo } from './todo-row.ts';
import { openTodoWriter, type TodoWriter } from './writes/todo-writer.ts';

/** The todos of all owners. Each call names the owner and reads or writes only todos of that owner. */
export type Todos = Omit<TodoWriter, 'maintain'> & {
  readonly find: (owner: string, id: string) => Promise<Todo | undefined>;
  /** Reads a page of a list. @throws {InvalidRequestError} when the cursor belongs to another list. */
  readonly list: (owner: string, query: TodoListQuery) => Promise<TodoPage>;
  /** Counts the todos on all pages of a list, up to `MAX_COUNT`. */
  readonly count: (owner: string, query: TodoListQuery) => Promise<number>;
  /** Removes the todos that were deleted, and the changes that were made, more than `RETENTION_DAYS` ago. */
  readonly purge: () => Promise<void>;
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
 * Opens the access to the todos in a database. Reads bypass the entity manager: to hydrate and serialize entities would take
 * three times as long as the query itself.
 * @param quota what each owner can store.
 * @param onChange called for each list that has changed, when its change is committed.
 */
export function openTodos({
  em,
  database,
  quota,
  onChange = () => undefined,
  logger,
  observe,
  captureContext,
}: TodosOptions): Todos {
  const connection = em.getConnection();
  const read = createKeyedSemaphore(MAX_CONCURRENT_READS);
  const { maintain, ...writer } = openTodoWriter({ database, quota, onChange, logger, observe, captureContext });
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
    async purge() {
      for (const owner of await findOwnersToPurge(em))
        await maintain(owner, (transaction) => purgeList(transaction, owner));
    },
    ...writer,
  };
}

function isLarge({ json }: TodoPage): boolean {
  return json.reduce((sum, { length }) => sum + length, 0) > LARGE_PAGE_CHARACTERS;
}

type TodosOptions = {
  readonly em: SqlEntityManager;
  readonly database: Database;
  readonly quota: Quota;
  readonly onChange?: (list: ChangedList) => void;
  readonly logger: Logger;
  /** Called with the pool of connections that write. */
  readonly observe?: ObservePool | undefined;
  /** Remembers for which request a write is done. */
  readonly captureContext?: (() => InContext) | undefined;
};
