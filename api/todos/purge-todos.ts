import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { RETENTION_DAYS } from '../../shared/todo/limits.ts';
import { DELETE_CHANGES } from './change-feed/trim-changes.ts';
import { TODO_BYTES } from './quota.ts';
import { STATEMENTS, type Statement } from './writes/list-statements.ts';
import type { ListTransaction } from './writes/list-transactions.ts';

const EXPIRED = `now() - interval '${RETENTION_DAYS} days'`;

/** Finds the owners of todos that were deleted, or of changes that were made, more than `RETENTION_DAYS` ago. */
export async function findOwnersToPurge(em: SqlEntityManager): Promise<string[]> {
  const rows = await em.getConnection().execute<{ owner: string }[]>(
    `select owner from api.todo where deleted_at < ${EXPIRED}
     union select owner from api.todo_change where at < ${EXPIRED}`,
  );
  return rows.map(({ owner }) => owner);
}

/**
 * Removes the todos of an owner that were deleted, and the changes that were made, more than `RETENTION_DAYS` ago. The
 * removed todos no longer count against the quota. A reader whose `since` is older gets 410, so that it misses no change
 * without noticing it.
 */
export async function purgeList(transaction: ListTransaction, owner: string): Promise<void> {
  const [[list] = []] = await transaction.execute([[STATEMENTS.lockLists, [owner]]]);
  // another process holds the list: the next purge comes soon
  if (list === undefined) return;
  const [[expired] = []] = await transaction.execute([[FIND_EXPIRED_CHANGE, owner]]);
  const [[changes] = [], [todos] = []] = await transaction.execute([
    [DELETE_CHANGES, owner, expired?.sequence],
    [DELETE_EXPIRED_TODOS, owner],
  ]);
  await transaction.commit([[SUBTRACT_PURGED, owner, expired?.sequence, changes?.bytes, todos?.count, todos?.bytes]]);
}

const FIND_EXPIRED_CHANGE: Statement = {
  name: 'find_expired_change',
  text: `select coalesce(max(sequence), 0)::float8 as sequence from api.todo_change where owner = $1 and at < ${EXPIRED}`,
};

const DELETE_EXPIRED_TODOS: Statement = {
  name: 'delete_expired_todos',
  text: `with purged as (
      delete from api.todo where owner = $1 and deleted_at < ${EXPIRED} returning ${TODO_BYTES} as bytes
    )
    select count(*)::int as count, coalesce(sum(bytes), 0)::float8 as bytes from purged`,
};

const SUBTRACT_PURGED: Statement = {
  name: 'subtract_purged',
  text: `update api.todo_list set forgotten = greatest(forgotten, $2), change_bytes = change_bytes - $3,
      todos = todos - $4, bytes = bytes - $5
    where owner = $1`,
};
