import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { Context } from 'koa';
import { LRUCache } from 'lru-cache';
import type { Database } from '../../shared/database/database.ts';
import { listen } from '../../shared/database/listen.ts';
import { HttpError } from '../../shared/http/http-error.ts';
import { createWaiting } from '../../shared/http/prefer-wait.ts';
import type { ChangeFeed, ChangeFeedQuery, TodoChange } from '../../shared/todo/change-feed.ts';
import { TODO_CHANGES } from './todo-change.entity.ts';
import { toTime } from './todo-row.ts';
import { listKey } from './todo-writer.ts';

/** The changes of everybody's todos, each told to its owner only. Disposing it lets everybody go on who waits. */
export type TodoChangeFeed = AsyncDisposable & {
  /**
   * The changes after `since`, in the order in which they were committed. When there are none the request waits for some,
   * for as long as it prefers (RFC 7240 §4.3). Without `since` it says where the next change will be found.
   * @throws a 410 when changes after `since` are forgotten, or it was never told.
   */
  readonly read: (owner: string, query: ChangeFeedQuery, ctx: Context) => Promise<ChangeFeed>;
};

/** Lists whose last change is remembered, at the most. */
const REMEMBER = 10_000;

/** Opens the change feed of the todos in `database`. What any process commits is notified to the requests that wait. */
export async function openTodoChangeFeed({
  database,
  em,
}: {
  database: Database;
  em: SqlEntityManager;
}): Promise<TodoChangeFeed> {
  const waiting = createWaiting();
  const newest = new LRUCache<string, number>({ max: REMEMBER });
  let interruptions = 0;
  const subscription = await listen(database, TODO_CHANGES, {
    notified(payload) {
      const [sequence = '', key = ''] = payload.split(' ');
      newest.set(key, Number(sequence));
      waiting.wake();
    },
    interrupted() {
      // whoever waits looks for himself
      interruptions += 1;
      waiting.wake();
    },
  });

  return {
    async read(owner, { since, limit }, ctx) {
      if (since === undefined) return { changes: [], next: String((await readList(owner)).sequence) };
      const [before, key] = [interruptions, listKey(owner)];
      const changes = await readChanges(owner, since, limit);
      if (changes.next !== String(since)) return changes;
      // a change that was committed since is known by now, or wakes
      await waiting.waitUntil(() => (newest.get(key) ?? 0) > since || interruptions > before, ctx);
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
    // asked afterwards: what was forgotten by then may be what these changes lack
    const { sequence, forgotten } = await readList(owner);
    if (since < forgotten || since > sequence)
      throw new HttpError(
        'changes_expired',
        'The changes after `since` are no longer kept. List the todos, then read on from the newest change.',
        {
          members: { oldest: forgotten, newest: sequence },
          fields: [{ field: 'since', expected: `a position from ${forgotten} to ${sequence}` }],
        },
      );
    return {
      changes: rows.map(({ sequence, at, ...change }) => ({ ...change, at: toTime(at) })),
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
