import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { NewTodo, Todo, TodoChanges } from '../../shared/todo.ts';
import { TodoEntity } from './todo.entity.ts';

/** The todos of everybody. Each call names the owner, and sees and touches nothing of anybody else's. */
export type Todos = {
  readonly create: (owner: string, todo: NewTodo) => Promise<Todo>;
  /** Oldest first. */
  readonly list: (owner: string) => Promise<Todo[]>;
  readonly find: (owner: string, id: string) => Promise<Todo | undefined>;
  /** Changes the fields that `changes` has and leaves the others. */
  readonly update: (owner: string, id: string, changes: TodoChanges) => Promise<Todo | undefined>;
  /** Deletes a todo, and returns whether there was one. */
  readonly remove: (owner: string, id: string) => Promise<boolean>;
};

/**
 * Creates the todos in a database. Each call is one statement, so that no two that run at once undo each other.
 * They are answered as the rows that the database returns: an entity manager would spend three times the query's own
 * time on hydrating and serializing them.
 */
export function createTodos(em: SqlEntityManager): Todos {
  return {
    async create(owner, { title, description, completed }) {
      const [created] = await rows(
        `insert into api.todo (owner, title, description, completed) values (?, ?, ?, ?) returning ${COLUMNS}`,
        [owner, title, description, completed],
      );
      if (created === undefined) throw new Error('an insert returned no row');
      return created;
    },
    list: (owner) => rows(`select ${COLUMNS} from api.todo where owner = ? order by created_at, id`, [owner]),
    async find(owner, id) {
      const [found] = await rows(`select ${COLUMNS} from api.todo where id = ? and owner = ?`, [id, owner]);
      return found;
    },
    async update(owner, id, changes) {
      const [updated] = await rows(
        `update api.todo set
           title = coalesce(?, title),
           description = case when ? then ? else description end,
           completed = coalesce(?, completed),
           updated_at = now()
         where id = ? and owner = ? returning ${COLUMNS}`,
        [
          changes.title ?? null,
          changes.description !== undefined,
          changes.description ?? null,
          changes.completed ?? null,
          id,
          owner,
        ],
      );
      return updated;
    },
    remove: async (owner, id) => (await em.fork().nativeDelete(TodoEntity, { id, owner })) > 0,
  };

  function rows(sql: string, parameters: unknown[]): Promise<Todo[]> {
    return em.getConnection().execute(sql, parameters);
  }
}

/** A todo in the words of the contract. The database writes the times as RFC 3339, sparing a Date for each. */
const COLUMNS = ['id', 'title', 'description', 'completed', time('created_at'), time('updated_at')].join(', ');

function time(column: string): string {
  return `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as ${column}`;
}
