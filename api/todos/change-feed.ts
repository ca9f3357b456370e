import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { Context } from 'koa';
import { LRUCache } from 'lru-cache';
import type { Database } from '../../shared/database/database.ts';
import { listen } from '../../shared/database/listen.ts';
import { HttpError } from '../../shared/http/http-error.ts';
import { createWaiting } from '../../shared/http/prefer-wait.ts';
import type { ChangeFeed, ChangeFeedQuery, TodoChange } from '../../shared/todo/change-feed.ts';
import { TODO_CHANGES } from './todo-change.entity.ts';
import { toRfc3339 } from './todo-row.ts';
import { listKey } from './todo-writer.ts';

/** The change feeds of all owners. Disposing it ends every waiting request. */
export type TodoChangeFeed = AsyncDisposable & {
  /**
   * Reads the changes of `owner` after `since`, in the order in which they were committed. If there are none, the request
   * waits for the next change as long as it prefers (RFC 7240 §4.3). Without `since` it returns only the current position.
   * @throws {HttpError} `changes_expired` when changes after `since` were purged, or `since` is later than the last change.
   */
  readonly read: (owner: string, query: ChangeFeedQuery, ctx: Context) => Promise<ChangeFeed>;
};

/** Lists whose newest sequence is kept in memory. */
const MAX_CACHED_LISTS = 10_000;

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
  let interruptions = 0;
  const subscription = await listen(database, TODO_CHANGES, {
    notified(payload) {
      const [sequence = '', key = ''] = payload.split(' ');
      newest.set(key, Number(sequence));
      waiting.wake();
    },
    interrupted() {
      // a notification may be lost, so every waiting request reads the database
      interruptions += 1;
      waiting.wake();
    },
  });

  return {
    async read(owner, { since, limit }, ctx) {
      if (since === undefined) return { changes: [], next: String((await readList(owner)).sequence) };
      const [interruptionsBefore, key] = [interruptions, listKey(owner)];
      const changes = await readChanges(owner, since, limit);
      if (changes.next !== String(since)) return changes;
      // a change that was committed after this read is in the cache by now, or its notification wakes the request
      await waiting.waitUntil(() => (newest.get(key) ?? 0) > since || interruptions > interruptionsBefore, ctx);
      return readChanges(owner, since, limit);
    },
    async [Symbol.asyncDispose]() {
      waiting.end();
      await subscription[Symbol.asyncDispose]();
    },
  };

  async function readChanges(owner: string, since: number, limit: number): Promise<ChangeFeed> {
    const rows = await em.getConnection().execute<(TodoChange & { sequence: number })[]>(
      `select sequence::float8 as sequence, change, todo_id as id, version, at, todo from api.todo_change
         where owner = ? and sequence > ? order by sequence limit ${limit}`,
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
      changes: rows.map(({ sequence, at, ...change }) => ({ ...change, at: toRfc3339(at) })),
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
