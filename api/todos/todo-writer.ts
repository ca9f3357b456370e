import { createHash, randomUUID } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { TodoChange } from '../../shared/todo/change-feed.ts';
import { searchWords } from '../../shared/todo/search-words.ts';
import type { ImportedTodo, NewTodo, Todo, TodoChanges } from '../../shared/todo/todo.ts';
import { createKeyLock, type IdempotentRequest, runIdempotently } from '../idempotency/idempotency.ts';
import { createKeyedMutex } from './keyed-mutex.ts';
import { TodoEntity } from './todo.entity.ts';
import { TODO_CHANGES, TodoChangeEntity } from './todo-change.entity.ts';
import { TodoNotFoundError } from './todo-errors.ts';
import { SELECT_TODO, type TodoRow, toColumns, toTodo } from './todo-row.ts';

/** Throws when the client expects another version than `version`, the current one. */
export type Precondition = (version: number) => void;

/** Writes todos of one owner in one transaction. A rejected write throws an `HttpError`. */
export type TodoWriter = {
  readonly create: (todo: NewTodo) => Promise<Todo>;
  /** Changes the fields that `changes` has. When no value changes, the version stays. */
  readonly update: (id: string, changes: TodoChanges, precondition?: Precondition) => Promise<Todo>;
  /** Deletes a todo. It can be restored until it is purged. */
  readonly remove: (id: string, precondition?: Precondition) => Promise<void>;
  /** Restores a deleted todo. A todo that is not deleted stays as it is. */
  readonly restore: (id: string, precondition?: Precondition) => Promise<Todo>;
  /** Adds todos. A todo is skipped when the owner already has its id, also as the id of a deleted todo. */
  readonly add: (todos: readonly ImportedTodo[]) => Promise<{ readonly created: number; readonly skipped: number }>;
};

/**
 * Runs `work` in one transaction on the todos of `owner`. The writes of one owner run one after another, so no other write
 * changes what `work` has read. For an idempotent request, the result is stored with its key, and a repeated request gets
 * the stored result.
 */
export type WriteTodos = <T>(
  owner: string,
  work: (writer: TodoWriter) => Promise<T>,
  options?: {
    readonly idempotency?: IdempotentRequest | undefined;
    /** Called when the earlier writes of this owner have ended. It throws to cancel this write. */
    readonly beforeWrite?: () => Promise<unknown>;
  },
) => Promise<T>;

/** Creates the writer of todos. All writes of one owner in this process use at most one connection at a time. */
export function createTodoWriter(em: SqlEntityManager): WriteTodos {
  const { runExclusive } = createKeyedMutex();
  const withKeyLock = createKeyLock();

  return (owner, work, { idempotency, beforeWrite } = {}) => {
    const write = () =>
      runExclusive(owner, async () => {
        await beforeWrite?.();
        return em.fork().transactional((transaction) => {
          const writeOnce = () => writeList(transaction, owner, work);
          return idempotency === undefined ? writeOnce() : runIdempotently(transaction, owner, idempotency, writeOnce);
        });
      });
    return idempotency === undefined ? write() : withKeyLock(owner, idempotency, write);
  };
}

type StoredChange = TodoChange & { readonly sequence: number };

async function writeList<T>(
  transaction: SqlEntityManager,
  owner: string,
  work: (writer: TodoWriter) => Promise<T>,
): Promise<T> {
  const list = await lockList(transaction, owner);
  const changes: StoredChange[] = [];
  const result = await work({ create, update, remove, restore, add });
  await store();
  return result;

  async function create(todo: NewTodo): Promise<Todo> {
    const [created] = await insert([{ id: randomUUID(), ...todo }]);
    if (created === undefined) throw new Error('no todo was inserted');
    return created;
  }

  async function update(id: string, sent: TodoChanges, precondition?: Precondition): Promise<Todo> {
    const { todo } = await get(id);
    precondition?.(todo.version);
    const changed: Todo = { ...todo, ...sent };
    if (isDeepStrictEqual(changed, todo)) return todo;
    const at = nextTime();
    const completedAt = todo.completed ? todo.completed_at : at;
    const updated = {
      ...changed,
      completed_at: changed.completed ? completedAt : null,
      version: todo.version + 1,
      updated_at: at,
    };
    await transaction.nativeUpdate(TodoEntity, { owner, id }, { ...toColumns(updated), words: wordsOf(updated) });
    record('updated', updated);
    return updated;
  }

  async function remove(id: string, precondition?: Precondition): Promise<void> {
    const { todo } = await get(id);
    precondition?.(todo.version);
    const at = nextTime();
    const removed = { ...todo, version: todo.version + 1, updated_at: at };
    await transaction.nativeUpdate(
      TodoEntity,
      { owner, id },
      { version: removed.version, updated_at: new Date(at), deleted_at: new Date(at) },
    );
    record('deleted', removed);
  }

  async function restore(id: string, precondition?: Precondition): Promise<Todo> {
    const { todo, deleted } = await get(id, { includeDeleted: true });
    precondition?.(todo.version);
    if (!deleted) return todo;
    const at = nextTime();
    const restored = { ...todo, version: todo.version + 1, updated_at: at };
    await transaction.nativeUpdate(
      TodoEntity,
      { owner, id },
      { version: restored.version, updated_at: new Date(at), deleted_at: null },
    );
    record('restored', restored);
    return restored;
  }

  async function add(todos: readonly ImportedTodo[]): Promise<{ created: number; skipped: number }> {
    const ids = todos.flatMap(({ id }) => id ?? []);
    const taken =
      ids.length === 0
        ? []
        : await transaction.execute<{ id: string }[]>(
            'select id from api.todo where owner = ? and id in (select jsonb_array_elements_text(?::jsonb)::uuid)',
            [owner, JSON.stringify(ids)],
          );
    const seen = new Set(taken.map(({ id }) => id));
    const fresh: (ImportedTodo & { id: string })[] = [];
    for (const todo of todos) {
      const { id = randomUUID() } = todo;
      if (seen.has(id)) continue;
      seen.add(id);
      fresh.push({ ...todo, id });
    }
    const created = await insert(fresh);
    return { created: created.length, skipped: todos.length - created.length };
  }

  async function insert(todos: readonly (ImportedTodo & { id: string })[]): Promise<Todo[]> {
    const created = todos.map(({ completed_at, created_at, position, updated_at, version, ...todo }): Todo => {
      const at = nextTime();
      return {
        ...todo,
        completed_at: todo.completed ? (completed_at ?? at) : null,
        // after all todos that were created without a position: their positions are times too
        position: position ?? Date.parse(at),
        version: 1,
        created_at: created_at ?? at,
        updated_at: at,
      };
    });
    const rows = created.map((todo) => ({ ...toColumns(todo), owner, words: wordsOf(todo), deleted_at: null }));
    for (const chunk of inChunks(rows)) {
      await transaction.insertMany(TodoEntity, chunk);
      await setImmediate();
    }
    for (const todo of created) record('created', todo);
    return created;
  }

  /** Reads a todo of this owner. @throws {TodoNotFoundError} */
  async function get(id: string, { includeDeleted = false } = {}): Promise<{ todo: Todo; deleted: boolean }> {
    const [row] = await transaction.execute<(TodoRow & { deleted: boolean })[]>(
      `select ${SELECT_TODO}, deleted_at is not null as deleted from api.todo where owner = ? and id = ?`,
      [owner, id],
    );
    if (row === undefined || (row.deleted && !includeDeleted)) throw new TodoNotFoundError();
    const { deleted, ...todo } = row;
    return { todo: toTodo(todo), deleted };
  }

  /** The time of the next change. No two changes of an owner have the same time. */
  function nextTime(): string {
    list.changedAt = Math.max(list.now, list.changedAt + 1);
    return new Date(list.changedAt).toISOString();
  }

  function record(change: TodoChange['change'], todo: Todo): void {
    list.sequence += 1;
    const { id, version, updated_at: at } = todo;
    changes.push({ sequence: list.sequence, change, id, version, at, todo: change === 'deleted' ? null : todo });
  }

  async function store(): Promise<void> {
    if (changes.length === 0) return;
    const rows = changes.map(({ id: todoId, at, ...change }) => ({ ...change, owner, todoId, at: new Date(at) }));
    for (const chunk of inChunks(rows)) {
      await transaction.insertMany(TodoChangeEntity, chunk);
      await setImmediate();
    }
    await transaction.execute('update api.todo_list set sequence = ?, changed_at = ? where owner = ?', [
      list.sequence,
      new Date(list.changedAt),
      owner,
    ]);
    // PostgreSQL delivers it when the transaction is committed
    await transaction.execute('select pg_notify(?, ?)', [TODO_CHANGES, `${list.sequence} ${listKey(owner)}`]);
  }
}

/** Identifies the list of an owner in a notification, whose payload is limited to 8000 bytes. A subject can be longer. */
export function listKey(owner: string): string {
  return createHash('sha256').update(owner).digest('base64url');
}

async function lockList(transaction: SqlEntityManager, owner: string) {
  const [locked] = await transaction.execute<{ sequence: number; changedAt: number; now: number }[]>(
    `insert into api.todo_list (owner) values (?) on conflict (owner) do update set owner = excluded.owner
     returning sequence::float8 as sequence,
       (extract(epoch from changed_at) * 1000)::float8 as "changedAt",
       floor(extract(epoch from clock_timestamp()) * 1000)::float8 as now`,
    [owner],
  );
  if (locked === undefined) throw new Error('an upsert returned no row');
  return locked;
}

/** Limits of one statement: the embedded database runs one statement at a time, so a long one delays all requests. */
const MAX_STATEMENT_ROWS = 1_000;
const MAX_STATEMENT_CHARACTERS = 200_000;

function inChunks<T>(rows: readonly T[]): T[][] {
  const chunks: T[][] = [];
  let characters = Number.POSITIVE_INFINITY;
  for (const row of rows) {
    const length = JSON.stringify(row).length;
    const chunk = chunks.at(-1);
    if (chunk === undefined || chunk.length >= MAX_STATEMENT_ROWS || characters + length > MAX_STATEMENT_CHARACTERS) {
      chunks.push([row]);
      characters = length;
    } else {
      chunk.push(row);
      characters += length;
    }
  }
  return chunks;
}

function wordsOf({ title, description }: Todo): string[] {
  return searchWords(`${title} ${description ?? ''}`);
}
