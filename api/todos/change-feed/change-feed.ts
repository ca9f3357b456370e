import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { Context } from 'koa';
import { LRUCache } from 'lru-cache';
import type { Database } from '../../../shared/database/database.ts';
import { listen } from '../../../shared/database/listen.ts';
import { HttpError } from '../../../shared/http/http-error.ts';
import { createWaiting, prefersWait } from '../../../shared/http/prefer-wait.ts';
import type { ChangeFeed, ChangeFeedQuery, TodoChange } from '../../../shared/todo/change-feed.ts';
import { MAX_PAGE_BYTES } from '../../../shared/todo/limits.ts';
import { toRfc3339 } from '../todo-row.ts';
import { type ChangedList, listKey, parsePayload } from './change-notifications.ts';
import { TODO_CHANGES } from './todo-change.entity.ts';

/** The change feeds of all owners. Disposing it ends every waiting request. */
export type TodoChangeFeed = AsyncDisposable & {
  /**
   * Reads the changes of `owner` after `since`, in the order in which they were committed: as many as `limit`, but no more
   * after about `MAX_PAGE_BYTES`. If there are none, the request waits for the next change as long as it prefers (RFC 7240
   * §4.3), unless `MAX_WAITS` requests of `owner` wait already.
   * Without `since` it returns only the current position.
   * @throws {HttpError} `changes_expired` when changes after `since` were purged, or `since` is later than the last change.
   */
  readonly read: (owner: string, query: ChangeFeedQuery, ctx: Context) => Promise<ChangeFeed>;
  /** Wakes the requests that wait for a change of this list. */
  readonly noteChange: (list: ChangedList) => void;
  /** The number of requests that wait for a change. */
  readonly countWaiting: () => number;
};

/** Requests of one owner that wait in one process. */
const MAX_WAITS = 3;

/** How long a request waits when `MAX_WAITS` requests of its owner wait already. */
const SURPLUS_WAIT_MS = 1_000;

/** Lists whose newest sequence is kept in memory. */
const MAX_CACHED_LISTS = 10_000;

/**
 * How often the lists of waiting requests are read. A process that ends between its commit and its notification costs them at
 * most this time.
 */
const POLL_INTERVAL_MS = 2_000;

/** Fields that a todo in a change of an earlier version of yata does not have. */
const FIELDS_ADDED_LATER = { due_on: null };

/** Opens the change feed of the todos in `database`. A change that any process commits wakes the waiting requests. */
export async function openTodoChangeFeed({
  database,
  em,
}: {
  database: Database;
  em: SqlEntityManager;
}): Promise<TodoChangeFeed> {
  const waiting = createWaiting();
  const newest = new LRUCache<string, number>({ max: MAX_CACHED_LISTS });
  const reads = new Map<string, Promise<ChangeFeed>>();
  let [interruptions, isWaking] = [0, false];
  const listener = {
    notified(payload: string) {
      for (const list of parsePayload(payload)) noteChange(list);
    },
    interrupted(state: 'lost' | 'restored') {
      // while the connection is lost, the other connections are probably lost too: a read would fail, and the poll finds what changes
      if (state === 'lost') return;
      // a notification may be lost, so every waiting request reads the database
      interruptions += 1;
      waiting.wake();
    },
  };
  // by the name of its session an operator and the command line know that a process of api is connected
  const subscription = await listen(database, TODO_CHANGES, listener, { sessionName: 'yata api' });
  const poll = setInterval(() => {
    if (waiting.count() > 0) readWaitingLists().catch(() => undefined);
  }, POLL_INTERVAL_MS).unref();

  return {
    async read(owner, { since, limit }, ctx) {
      if (since === undefined) return { changes: [], next: String((await readList(owner)).sequence) };
      const [interruptionsBefore, key] = [interruptions, listKey(owner)];
      const changes = await readChanges(owner, since, limit);
      if (changes.next !== String(since)) return changes;
      if (!prefersWait(ctx)) return changes;
      // a change that was committed after this read is in the cache by now, or its notification wakes the request
      const hasChanged = () => (newest.get(key) ?? 0) > since || interruptions > interruptionsBefore;
      await waiting.waitUntil(hasChanged, ctx, { name: owner, limit: MAX_WAITS, surplusWaitMs: SURPLUS_WAIT_MS });
      return readOnce(owner, since, limit);
    },
    noteChange,
    countWaiting: () => waiting.count(),
    async [Symbol.asyncDispose]() {
      clearInterval(poll);
      waiting.end();
      await subscription[Symbol.asyncDispose]();
    },
  };

  function noteChange({ key, sequence }: ChangedList): void {
    // a list can be noted twice, by this process and by its notification, in any order
    if (sequence <= (newest.get(key) ?? 0)) return;
    newest.set(key, sequence);
    if (isWaking || waiting.count() === 0) return;
    isWaking = true;
    // once for all lists of a commit
    setImmediate(() => {
      isWaking = false;
      waiting.wake();
    });
  }

  async function readWaitingLists(): Promise<void> {
    const rows = await em.getConnection().execute<{ owner: string; sequence: number }[]>(
      `select owner, sequence::float8 as sequence from api.todo_list
       where owner in (select jsonb_array_elements_text(?::jsonb))`,
      [JSON.stringify(waiting.groups())],
    );
    for (const { owner, sequence } of rows) noteChange({ key: listKey(owner), sequence });
  }

  /**
   * Reads the changes for all requests that a change has woken at the same time. Each request has read for itself before: a
   * read that began earlier may lack what its client has written.
   */
  function readOnce(owner: string, since: number, limit: number): Promise<ChangeFeed> {
    const key = JSON.stringify([owner, since, limit, interruptions]);
    const running = reads.get(key);
    if (running !== undefined) return running;
    const read = readChanges(owner, since, limit).finally(() => reads.delete(key));
    reads.set(key, read);
    return read;
  }

  async function readChanges(owner: string, since: number, limit: number): Promise<ChangeFeed> {
    const rows = await em.getConnection().execute<(TodoChange & { sequence: number })[]>(
      `select sequence::float8 as sequence, change, id, version, at, todo from (
         select *, sum(coalesce(octet_length(todo::text), 0))
             over (order by sequence rows between unbounded preceding and 1 preceding) as bytes_before
           from (
             select sequence, change, todo_id as id, version, at, todo from api.todo_change
               where owner = ? and sequence > ? order by sequence limit ${limit}
           ) change
         ) change where coalesce(bytes_before, 0) < ${MAX_PAGE_BYTES} order by sequence`,
      [owner, since],
    );
    // read after the changes: a change that was purged before this read may be missing in them
    const { sequence, forgotten } = await readList(owner);
    if (since < forgotten || since > sequence)
      throw new HttpError(
        'changes_expired',
        since > sequence
          ? '`since` is later than the newest change of this list. List the todos, then read on from the newest change.'
          : 'The changes after `since` are no longer kept. List the todos, then read on from the newest change.',
        {
          members: { oldest: forgotten, newest: sequence },
          fields: [{ field: 'since', expected: `a position from ${forgotten} to ${sequence}` }],
        },
      );
    return {
      changes: rows.map(({ sequence, at, todo, ...change }) => ({
        ...change,
        at: toRfc3339(at),
        todo: todo && { ...FIELDS_ADDED_LATER, ...todo },
      })),
      next: String(rows.at(-1)?.sequence ?? since),
    };
  }

  async function readList(owner: string): Promise<{ sequence: number; forgotten: number }> {
    const [list] = await em
      .getConnection()
      .execute<{ sequence: number; forgotten: number }[]>(
        'select sequence::float8 as sequence, forgotten::float8 as forgotten from api.todo_list where owner = ?',
        [owner],
      );
    return list ?? { sequence: 0, forgotten: 0 };
  }
}
