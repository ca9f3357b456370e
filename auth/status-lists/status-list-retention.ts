import type { SqlEntityManager } from '@mikro-orm/postgresql';

/**
 * The condition, in SQL, on status lists and leases that are still needed. A resource server whose clock is slow
 * accepts a token for a little longer than auth does, so a list is kept for a minute after it has expired.
 */
export const RETAINED_SQL = "expires_at > now() - interval '1 minute'";

/**
 * Deletes the status lists whose tokens have all expired, with their leases and revocations, and rows of no list after a day.
 */
export async function deleteExpiredStatusLists(em: SqlEntityManager): Promise<void> {
  await em.fork().transactional(async (transaction) => {
    const expired = `select id from auth.status_list where not (${RETAINED_SQL})`;
    await transaction.execute(`delete from auth.revocation where list in (${expired})`);
    await transaction.execute("delete from auth.revocation where list = 0 and at < now() - interval '1 day'");
    await transaction.execute(`delete from auth.lease where list in (${expired})`);
    await transaction.execute(`delete from auth.status_list where id in (${expired})`);
  });
}
