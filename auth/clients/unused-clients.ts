import type { SqlEntityManager } from '@mikro-orm/postgresql';

/** Days after which a client is deleted: one that no person ever allowed, and one that no person uses any more. */
const NEVER_ALLOWED_DAYS = 30;
const UNUSED_DAYS = 180;

/** Clients that no administrator registered and that no person has allowed yet. Beyond that the oldest are deleted. */
const MAX_NEVER_ALLOWED = 10_000;

/**
 * Deletes the clients that no person uses: those that registered themselves, and metadata documents. One that an
 * administrator disabled stays, so that it stays disabled. An assistant keeps its client id, so they are deleted late.
 */
export async function deleteUnusedClients(em: SqlEntityManager): Promise<void> {
  const unused = `kind <> 'registered' and active
    and not exists (select 1 from auth.connection where connection.client_id = client.client_id)`;
  await em.fork().transactional(async (transaction) => {
    const deleted = await transaction.execute<{ id: string }[]>(
      `delete from auth.client where ${unused} and (
         (last_used_at is null and created_at < now() - make_interval(days => ${NEVER_ALLOWED_DAYS}))
         or last_used_at < now() - make_interval(days => ${UNUSED_DAYS})
         or (last_used_at is null and client_id in (
           select client_id from auth.client where ${unused} and last_used_at is null
           order by created_at desc offset ${MAX_NEVER_ALLOWED}
         ))
       ) returning client_id as id`,
    );
    if (deleted.length === 0) return;
    const ids = deleted.map(({ id }) => id);
    await transaction.execute(
      `delete from auth.client_secret where client_id in (${ids.map(() => '?').join(', ')})`,
      ids,
    );
  });
}

/** Notes, once a day, the clients that a person uses: those with a connection. */
export async function noteUsedClients(em: SqlEntityManager): Promise<void> {
  await em.fork().execute(
    `update auth.client set last_used_at = now()
     where (last_used_at is null or last_used_at < now() - interval '1 day')
       and exists (select 1 from auth.connection where connection.client_id = client.client_id)`,
  );
}
