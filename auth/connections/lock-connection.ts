import type { SqlEntityManager } from '@mikro-orm/postgresql';

/**
 * Locks a connection and its account against changes until the end of `transaction`. The caller has locked the client. A
 * transaction that revokes the connection therefore either sees what is written here, or commits first.
 * @returns false when the connection was revoked or has expired, or its account is disabled.
 */
export async function lockConnection(transaction: SqlEntityManager, connectionId: string): Promise<boolean> {
  return (await transaction.execute(LOCK_SQL, [connectionId, connectionId])).length > 0;
}

/** The account is locked first: the connection is locked when the join has found both. */
const LOCK_SQL = `with holder as materialized (
    select id from auth.account
    where id = (select account_id from auth.connection where id = ?) and active for share
  )
  select 1 from auth.connection join holder on holder.id = connection.account_id
  where connection.id = ? and connection.expires_at > now() for share of connection`;
