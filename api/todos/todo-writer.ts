import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { LRUCache } from 'lru-cache';
import type { Database } from '../../shared/database/database.ts';
import type { TodoChange } from '../../shared/todo/change-feed.ts';
import { searchWords } from '../../shared/todo/search-words.ts';
import type { ImportedTodo, NewTodo, Todo, TodoChanges } from '../../shared/todo/todo.ts';
import {
  createKeyLock,
  findAnswer,
  type IdempotentRequest,
  runIdempotently,
  storeAnswer,
} from '../idempotency/idempotency.ts';
import { deriveIds } from './derive-ids.ts';
import { inChunks } from './in-chunks.ts';
import { createKeyedMutex } from './keyed-mutex.ts';
import { type Quota, QuotaExceededError, requireQuota, todoBytes, type Usage, usageOf } from './quota.ts';
import { TodoEntity } from './todo.entity.ts';
import { TODO_CHANGES, TodoChangeEntity } from './todo-change.entity.ts';
import { TodoNotFoundError } from './todo-errors.ts';
import { SELECT_TODO, type TodoRow, toColumns, toTodo } from './todo-row.ts';
import { changeBytes, trimChanges } from './trim-changes.ts';

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
  readonly add: (todos: readonly ImportedTodo[]) => Promise<Imported>;
  /** Checks that `add` with all these todos would not exceed the quota. @throws {QuotaExceededError} */
  readonly requireRoom: (todos: readonly ImportedTodo[]) => Promise<void>;
};

/** How many todos an import created, and how many it skipped because their owner has their ids. */
type Imported = { readonly created: number; readonly skipped: number };

/**
 * Runs `work` in one transaction on the todos of `owner`. The writes of one owner run one after another, so no other write
 * changes what `work` has read. For an idempotent request, the result is stored with its key, and a repeated request gets
 * the stored result.
 */
export type WriteTodos = <T>(
  owner: string,
  work: (writer: TodoWriter) => Promise<T>,
  options?: WriteOptions,
) => Promise<T>;

/**
 * Adds todos in several transactions, so that other writes, also of the same owner, can run between them. Nothing is written
 * if all todos together would exceed the quota. An import that fails later, for example because another request has used the
 * rest of the quota, leaves the todos of the transactions before; if it is repeated, it skips them. For an idempotent
 * request, todos without an id get ids that are the same in each repetition, and the answer is stored in the last
 * transaction.
 */
export type ImportTodos = (owner: string, todos: readonly ImportedTodo[], options?: WriteOptions) => Promise<Imported>;

type WriteOptions = {
  readonly idempotency?: IdempotentRequest | undefined;
  /** Called before each transaction, when the earlier writes of this owner have ended. It throws to cancel the write. */
  readonly beforeWrite?: () => Promise<unknown>;
};

/** Creates the writer of todos. All writes of one owner in this process use at most one connection at a time. */
export function createTodoWriter({ em, kind, quota }: TodoWriterOptions): {
  readonly write: WriteTodos;
  readonly importTodos: ImportTodos;
} {
  const { runExclusive } = createKeyedMutex();
  const nextStart = new LRUCache<string, number>({ max: MAX_PAUSING_OWNERS });
  const withKeyLock = createKeyLock();

  return {
    write(owner, work, { idempotency, beforeWrite } = {}) {
      return withKeyLock(owner, idempotency, () =>
        runTransaction(owner, beforeWrite, (transaction) => {
          const write = () => writeList(transaction, owner, quota, work);
          return idempotency === undefined ? write() : runIdempotently(transaction, owner, idempotency, write);
        }),
      );
    },

    importTodos(owner, sent, { idempotency, beforeWrite } = {}) {
      return withKeyLock(owner, idempotency, async () => {
        const todos = idempotency === undefined ? sent : deriveIds(sent, idempotency);
        const parts = todos.length === 0 ? [[]] : inChunks(todos, IMPORT_TRANSACTION);
        let imported: Imported = { created: 0, skipped: 0 };
        for (const [index, part] of parts.entries()) {
          const earlier = await runTransaction(owner, beforeWrite, async (transaction) => {
            const stored = idempotency && (await findAnswer<Imported>(transaction, owner, idempotency));
            if (stored !== undefined) return stored;
            const { created, skipped } = await writeList(transaction, owner, quota, async (writer) => {
              if (index === 0) await writer.requireRoom(todos);
              return writer.add(part);
            }).catch((error: unknown) => {
              throw error instanceof QuotaExceededError ? error.after(imported.created) : error;
            });
            imported = { created: imported.created + created, skipped: imported.skipped + skipped };
            if (idempotency !== undefined && index === parts.length - 1)
              await storeAnswer(transaction, owner, idempotency, imported);
            return undefined;
          });
          if (earlier !== undefined) return earlier;
        }
        return imported;
      });
    },
  };

  /** Runs `work` in a transaction when the earlier writes of `owner` in this process have ended. */
  function runTransaction<T>(
    owner: string,
    beforeWrite: WriteOptions['beforeWrite'],
    work: (transaction: SqlEntityManager) => Promise<T>,
  ): Promise<T> {
    return runExclusive(owner, async () => {
      const pause = (nextStart.get(owner) ?? 0) - performance.now();
      if (pause > 0) await delay(pause);
      await beforeWrite?.();
      return em.fork().transactional(kind === 'embedded' ? (transaction) => runWithPause(owner, transaction) : work);
    });

    /** Runs `work`. If it takes long, the next transaction of `owner` starts after a pause of the same length. */
    async function runWithPause(owner: string, transaction: SqlEntityManager): Promise<T> {
      const startedAt = performance.now();
      try {
        return await work(transaction);
      } finally {
        const milliseconds = performance.now() - startedAt;
        if (milliseconds > LONG_TRANSACTION_MS) nextStart.set(owner, performance.now() + milliseconds);
      }
    }
  }
}

type TodoWriterOptions = { readonly em: SqlEntityManager; readonly kind: Database['kind']; readonly quota: Quota };

/**
 * Limits of one transaction of an import: the embedded database runs one transaction at a time, for all owners, and one of
 * this size takes about 40 ms.
 */
const IMPORT_TRANSACTION = { maxItems: 200, maxBytes: 80_000 };

/**
 * A transaction on the embedded database that takes longer is followed by a pause of its owner, so that one owner uses at most
 * half of its time. A batch of 50 long todos takes 300 ms.
 */
const LONG_TRANSACTION_MS = 100;

/** An owner beyond this number does not pause. */
const MAX_PAUSING_OWNERS = 1_000;

type StoredChange = TodoChange & { readonly sequence: number };

async function writeList<T>(
  transaction: SqlEntityManager,
  owner: string,
  quota: Quota,
  work: (writer: TodoWriter) => Promise<T>,
): Promise<T> {
  const list = await lockList(transaction, owner);
  const changes: StoredChange[] = [];
  const added = { todos: 0, bytes: 0 };
  const result = await work({ create, update, remove, restore, add, requireRoom });
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
    use({ todos: 0, bytes: todoBytes(updated) - todoBytes(todo) });
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

  async function add(todos: readonly ImportedTodo[]): Promise<Imported> {
    const created = await insert(await selectNew(todos));
    return { created: created.length, skipped: todos.length - created.length };
  }

  async function requireRoom(todos: readonly ImportedTodo[]): Promise<void> {
    requireQuota(quota, list, usageOf(await selectNew(todos)));
  }

  /** Selects the todos whose ids the owner does not have, and gives an id to each todo without one. */
  async function selectNew(todos: readonly ImportedTodo[]): Promise<(ImportedTodo & { id: string })[]> {
    const seen = new Set<string>();
    for (const ids of inChunks(
      todos.flatMap(({ id }) => id ?? []),
      STATEMENT,
    )) {
      const rows = await transaction.execute<{ id: string }[]>(
        'select id from api.todo where owner = ? and id in (select jsonb_array_elements_text(?::jsonb)::uuid)',
        [owner, JSON.stringify(ids)],
      );
      for (const { id } of rows) seen.add(id);
    }
    return todos.flatMap((todo) => {
      const { id = randomUUID() } = todo;
      if (seen.has(id)) return [];
      seen.add(id);
      return [{ ...todo, id }];
    });
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
    use(usageOf(created));
    const rows = created.map((todo) => ({ ...toColumns(todo), owner, words: wordsOf(todo), deleted_at: null }));
    for (const chunk of inChunks(rows, STATEMENT)) await transaction.insertMany(TodoEntity, chunk);
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

  /** Counts what a statement adds, which may be less than nothing. @throws {QuotaExceededError} before it is executed. */
  function use({ todos, bytes }: Usage): void {
    added.todos += todos;
    added.bytes += bytes;
    requireQuota(quota, list, added);
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
    for (const chunk of inChunks(rows, STATEMENT)) await transaction.insertMany(TodoChangeEntity, chunk);
    const { sequence, forgotten } = list;
    const kept = await trimChanges(transaction, owner, {
      sequence,
      forgotten,
      changeBytes: changes.reduce((bytes, change) => bytes + changeBytes(change), list.changeBytes),
    });
    await transaction.execute(
      `update api.todo_list set sequence = ?, changed_at = ?, todos = ?, bytes = ?, forgotten = ?, change_bytes = ?
       where owner = ?`,
      [
        sequence,
        new Date(list.changedAt),
        list.todos + added.todos,
        list.bytes + added.bytes,
        kept.forgotten,
        kept.changeBytes,
        owner,
      ],
    );
    // PostgreSQL delivers it when the transaction is committed
    await transaction.execute('select pg_notify(?, ?)', [TODO_CHANGES, `${list.sequence} ${listKey(owner)}`]);
  }
}

/** Identifies the list of an owner in a notification, whose payload is limited to 8000 bytes. A subject can be longer. */
export function listKey(owner: string): string {
  return createHash('sha256').update(owner).digest('base64url');
}

type LockedList = {
  sequence: number;
  readonly forgotten: number;
  /** Milliseconds since 1970, as `now`. */
  changedAt: number;
  readonly todos: number;
  readonly bytes: number;
  readonly changeBytes: number;
  readonly now: number;
};

async function lockList(transaction: SqlEntityManager, owner: string) {
  const [locked] = await transaction.execute<LockedList[]>(
    `insert into api.todo_list (owner) values (?) on conflict (owner) do update set owner = excluded.owner
     returning sequence::float8 as sequence, forgotten::float8 as forgotten,
       (extract(epoch from changed_at) * 1000)::float8 as "changedAt",
       todos, bytes::float8 as bytes, change_bytes::float8 as "changeBytes",
       floor(extract(epoch from clock_timestamp()) * 1000)::float8 as now`,
    [owner],
  );
  if (locked === undefined) throw new Error('an upsert returned no row');
  return locked;
}

/** Limits of one statement: a long one delays all requests on the embedded database, which runs one at a time. */
const STATEMENT = { maxItems: 1_000, maxBytes: 200_000 };

function wordsOf({ title, description }: Todo): string[] {
  return searchWords(`${title} ${description ?? ''}`);
}
