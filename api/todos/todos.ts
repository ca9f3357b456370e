import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { TodoListQuery } from '../../shared/todo/list-query.ts';
import type { Todo } from '../../shared/todo/todo.ts';
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
 * Creates the access to the todos in a database. Reads bypass the entity manager: to hydrate and serialize entities would
 * take three times as long as the query itself.
 * @param quota what each owner can store.
 */
export function createTodos(em: SqlEntityManager, quota: Quota): Todos {
  const connection = em.getConnection();
  return {
    async find(owner, id) {
      const [found] = await connection.execute<TodoRow[]>(
        `select ${SELECT_TODO} from api.todo where owner = ? and id = ? and deleted_at is null`,
        [owner, id],
      );
      return found && toTodo(found);
    },
    list: (owner, query) => listPage(connection, owner, query),
    count: (owner, query) => countTodos(connection, owner, query),
    ...createTodoWriter(em, quota),
  };
}
