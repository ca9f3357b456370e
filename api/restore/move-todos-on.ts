import type { SqlEntityManager } from '@mikro-orm/postgresql';

/** How far versions and sequences are moved on. No todo and no list has that many changes between a backup and a restore. */
const SKIPPED = 1_000_000;

/**
 * Makes a restored database of todos safe for clients that have read what was lost, in one transaction. The position of each change
 * feed and the version of each todo move on, so that a client which follows a feed gets `changes_expired` and reads the list
 * again, and so that the version of a lost change is never the version of another one.
 * @returns the number of todo lists.
 */
export function moveTodosOn(em: SqlEntityManager): Promise<number> {
  return em.fork().transactional(async (transaction) => {
    await transaction.execute('delete from api.todo_change');
    await transaction.execute(`update api.todo set version = version + ${SKIPPED}`);
    const lists = await transaction.execute<object[]>(
      `update api.todo_list set sequence = sequence + ${SKIPPED}, forgotten = sequence + ${SKIPPED}, change_bytes = 0 returning 1`,
    );
    return lists.length;
  });
}
