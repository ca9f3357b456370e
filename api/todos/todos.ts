import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { TodoListQuery } from '../../shared/todo/list-query.ts';
import type { Todo } from '../../shared/todo/todo.ts';
import { countTodos, listPage, type TodoPage } from './todo-page.ts';
import { COLUMNS, type TodoRow, toTodo } from './todo-row.ts';
import { createTodoWriter, type WriteTodos } from './todo-writer.ts';

/** The todos of everybody. Each call names the owner, and sees and touches nothing of anybody else's. */
export type Todos = {
  readonly find: (owner: string, id: string) => Promise<Todo | undefined>;
  /** A page of a list. @throws {InvalidRequestError} when the cursor is not one of this list. */
  readonly list: (owner: string, query: TodoListQuery) => Promise<TodoPage>;
  /** How many todos a list has on all its pages, as far as they are counted. */
  readonly count: (owner: string, query: TodoListQuery) => Promise<number>;
  readonly write: WriteTodos;
};

/**
 * Creates the todos in a database. They are read as the rows that it returns: an entity manager would spend three times
 * the query's own time on hydrating and serializing them.
 */
export function createTodos(em: SqlEntityManager): Todos {
  const connection = em.getConnection();
  return {
    async find(owner, id) {
      const [found] = await connection.execute<TodoRow[]>(
        `select ${COLUMNS} from api.todo where id = ? and owner = ? and deleted_at is null`,
        [id, owner],
      );
      return found && toTodo(found);
    },
    list: (owner, query) => listPage(connection, owner, query),
    count: (owner, query) => countTodos(connection, owner, query),
    write: createTodoWriter(em),
  };
}
