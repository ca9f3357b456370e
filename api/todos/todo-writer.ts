import { createHash, randomUUID } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { DeadlockException, UniqueConstraintViolationException } from '@mikro-orm/core';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { ServiceUnavailableError } from '../../shared/http/http-error.ts';
import type { TodoChange } from '../../shared/todo/change-feed.ts';
import { searchWords } from '../../shared/todo/search-words.ts';
import type { ImportedTodo, NewTodo, Todo, TodoChanges } from '../../shared/todo/todo.ts';
import { answerOnce, createRunningKeys, type Once } from '../idempotency/idempotency.ts';
import { createKeyedMutex } from './keyed-mutex.ts';
import { TodoEntity } from './todo.entity.ts';
import { TODO_CHANGES, TodoChangeEntity } from './todo-change.entity.ts';
import { noSuchTodo } from './todo-errors.ts';
import { COLUMNS, type TodoRow, toTodo } from './todo-row.ts';

/** Refuses, by what it throws, a todo of another version than the caller expects. */
export type Precondition = (version: number) => void;

/** Writes todos of one owner, as a part of one transaction. What refuses throws an `HttpError`. */
export type TodoWriter = {
  readonly create: (todo: NewTodo) => Promise<Todo>;
  /** Changes the fields that `changes` has. When that changes nothing the version stays too. */
  readonly update: (id: string, changes: TodoChanges, precondition?: Precondition) => Promise<Todo>;
  /** Hides a todo. */
  readonly remove: (id: string, precondition?: Precondition) => Promise<void>;
  /** Brings a todo back that was hidden; one that is not is left as it is. */
  readonly restore: (id: string, precondition?: Precondition) => Promise<Todo>;
  /** Adds todos but those whose id this owner has already, hidden ones too. */
  readonly add: (todos: readonly ImportedTodo[]) => Promise<{ readonly created: number; readonly skipped: number }>;
};

/**
 * Runs `work` in a transaction on the todos of `owner`: all of it is done or nothing. Writers of one owner follow one
 * another, so what one reads no other changes before it is done. With `once` the answer is kept under a key, and a second
 * call is given the first one's answer.
 */
export type WriteTodos = <T>(
  owner: string,
  work: (writer: TodoWriter) => Promise<T>,
  options?: {
    readonly once?: Once | undefined;
    /** Is asked when the turn of this write has come, and throws when it may not be done any more. */
    readonly beforeWrite?: () => Promise<unknown>;
  },
) => Promise<T>;

/** Creates the writer of todos in a database. The writers of one owner in this process hold one connection. */
export function createTodoWriter(em: SqlEntityManager): WriteTodos {
  const runExclusive = createKeyedMutex();
  const runOnce = createRunningKeys();

  return (owner, work, { once, beforeWrite } = {}) => {
    const write = () =>
      runExclusive(owner, async () => {
        await beforeWrite?.();
        return attempt(owner, work, once);
      });
    return once === undefined ? write() : runOnce(owner, once, write);
  };

  async function attempt<T>(
    owner: string,
    work: (writer: TodoWriter) => Promise<T>,
    once: Once | undefined,
    attempts = ATTEMPTS,
  ): Promise<T> {
    try {
      return await em.fork().transactional((transaction) => {
        const write = () => writeList(transaction, owner, work);
        return once === undefined ? write() : answerOnce(transaction, owner, once, write);
      });
    } catch (error) {
      if (!(error instanceof UniqueConstraintViolationException || error instanceof DeadlockException)) throw error;
      // somebody else imported todos with the same ids meanwhile: now they are found to be taken
      if (attempts > 1) return attempt(owner, work, once, attempts - 1);
      throw new ServiceUnavailableError(
        'too_many_concurrent_writes',
        'Too many concurrent writes of the same ids. Retry in 1 s.',
        { cause: error },
      );
    }
  }
}

/** How often a write is tried that meets others with the same ids. Each time one of them is done. */
const ATTEMPTS = 10;

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
    if (created === undefined) throw new Error('nothing was inserted');
    return created;
  }

  async function update(id: string, sent: TodoChanges, precondition?: Precondition): Promise<Todo> {
    const { todo } = await get(id);
    precondition?.(todo.version);
    const changed: Todo = { ...todo, ...sent };
    if (isDeepStrictEqual(changed, todo)) return todo;
    const at = next();
    const completedAt = todo.completed ? todo.completed_at : at;
    const updated = {
      ...changed,
      completed_at: changed.completed ? completedAt : null,
      version: todo.version + 1,
      updated_at: at,
    };
    await transaction.nativeUpdate(TodoEntity, { id }, { ...columnsOf(updated), words: wordsIn(updated) });
    note('updated', updated);
    return updated;
  }

  async function remove(id: string, precondition?: Precondition): Promise<void> {
    const { todo } = await get(id);
    precondition?.(todo.version);
    const at = next();
    const removed = { ...todo, version: todo.version + 1, updated_at: at };
    await transaction.nativeUpdate(
      TodoEntity,
      { id },
      { version: removed.version, updatedAt: new Date(at), deletedAt: new Date(at) },
    );
    note('deleted', removed);
  }

  async function restore(id: string, precondition?: Precondition): Promise<Todo> {
    const { todo, deleted } = await get(id, { hidden: true });
    precondition?.(todo.version);
    if (!deleted) return todo;
    const at = next();
    const restored = { ...todo, version: todo.version + 1, updated_at: at };
    await transaction.nativeUpdate(
      TodoEntity,
      { id },
      { version: restored.version, updatedAt: new Date(at), deletedAt: null },
    );
    note('restored', restored);
    return restored;
  }

  async function add(todos: readonly ImportedTodo[]): Promise<{ created: number; skipped: number }> {
    const ids = todos.flatMap(({ id }) => id ?? []);
    const taken =
      ids.length === 0
        ? []
        : await transaction.execute<{ id: string; own: boolean }[]>(
            'select id, owner = ? as own from api.todo where id in (select jsonb_array_elements_text(?::jsonb)::uuid)',
            [owner, JSON.stringify(ids)],
          );
    const others = new Set(taken.filter(({ own }) => !own).map(({ id }) => id));
    const seen = new Set(taken.filter(({ own }) => own).map(({ id }) => id));
    const fresh: (ImportedTodo & { id: string })[] = [];
    for (const todo of todos) {
      if (todo.id !== undefined && seen.has(todo.id)) continue;
      if (todo.id !== undefined) seen.add(todo.id);
      // an id that is somebody else's is replaced, and so tells nothing of whether it is
      fresh.push({ ...todo, id: todo.id === undefined || others.has(todo.id) ? randomUUID() : todo.id });
    }
    const created = await insert(fresh);
    return { created: created.length, skipped: todos.length - created.length };
  }

  async function insert(todos: readonly (ImportedTodo & { id: string })[]): Promise<Todo[]> {
    const created = todos.map(({ completed_at, created_at, position, updated_at, version, ...todo }): Todo => {
      const at = next();
      return {
        ...todo,
        completed_at: todo.completed ? (completed_at ?? at) : null,
        // after all others, whose positions are mostly such times too
        position: position ?? Date.parse(at),
        version: 1,
        created_at: created_at ?? at,
        updated_at: at,
      };
    });
    // in the order of their ids: of two who import the same ones neither waits for the other in turn
    const rows = created
      .toSorted((one, other) => (one.id < other.id ? -1 : 1))
      .map((todo) => ({ ...columnsOf(todo), owner, words: wordsIn(todo), deletedAt: null }));
    for (const some of inChunks(rows)) {
      await transaction.insertMany(TodoEntity, some);
      await setImmediate();
    }
    for (const todo of created) note('created', todo);
    return created;
  }

  /** The todo of this owner. @throws a 404 when there is none, or it is hidden. */
  async function get(id: string, { hidden = false } = {}): Promise<{ todo: Todo; deleted: boolean }> {
    const [row] = await transaction.execute<(TodoRow & { deleted: boolean })[]>(
      `select ${COLUMNS}, deleted_at is not null as deleted from api.todo where id = ? and owner = ?`,
      [id, owner],
    );
    if (row === undefined || (row.deleted && !hidden)) throw noSuchTodo();
    const { deleted, ...todo } = row;
    return { todo: toTodo(todo), deleted };
  }

  /** The time of the next change: no two of an owner are at the same. */
  function next(): string {
    list.changedAt = Math.max(list.now, list.changedAt + 1);
    return new Date(list.changedAt).toISOString();
  }

  function note(change: TodoChange['change'], todo: Todo): void {
    list.sequence += 1;
    const { id, version, updated_at: at } = todo;
    changes.push({ sequence: list.sequence, change, id, version, at, todo: change === 'deleted' ? null : todo });
  }

  async function store(): Promise<void> {
    if (changes.length === 0) return;
    const rows = changes.map(({ id: todoId, at, ...change }) => ({ ...change, owner, todoId, at: new Date(at) }));
    for (const some of inChunks(rows)) {
      await transaction.insertMany(TodoChangeEntity, some);
      await setImmediate();
    }
    await transaction.execute('update api.todo_list set sequence = ?, changed_at = ? where owner = ?', [
      list.sequence,
      new Date(list.changedAt),
      owner,
    ]);
    // it is delivered when the transaction is committed
    await transaction.execute('select pg_notify(?, ?)', [TODO_CHANGES, `${list.sequence} ${listKey(owner)}`]);
  }
}

/** Who the list is of, in a form that fits into a notification whatever subjects are called. */
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

/** Rows and letters of a statement: the embedded database keeps everybody waiting while it reads one. */
const ROWS = 1_000;
const LETTERS = 200_000;

function inChunks<T>(rows: readonly T[]): T[][] {
  const chunks: T[][] = [];
  let letters = Number.POSITIVE_INFINITY;
  for (const row of rows) {
    const length = JSON.stringify(row).length;
    const chunk = chunks.at(-1);
    if (chunk === undefined || chunk.length >= ROWS || letters + length > LETTERS) {
      chunks.push([row]);
      letters = length;
    } else {
      chunk.push(row);
      letters += length;
    }
  }
  return chunks;
}

function columnsOf(todo: Todo) {
  const { completed_at, due_at, created_at, updated_at, ...same } = todo;
  return {
    ...same,
    completedAt: completed_at && new Date(completed_at),
    dueAt: due_at && new Date(due_at),
    createdAt: new Date(created_at),
    updatedAt: new Date(updated_at),
  };
}

function wordsIn({ title, description }: Todo): string[] {
  return searchWords(`${title} ${description ?? ''}`);
}
