import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { executePrepared } from '../../shared/database/prepared-statements.ts';
import type { Place } from './list-indexes.ts';

/**
 * Leases a block of indexes to a connection. One statement locks the client, the account and the connection against changes,
 * in this order, and inserts the lease. A transaction that revokes the connection or disables the client or the account
 * therefore either sees the lease and revokes it, or commits first.
 * @returns false when the client or the account is disabled, or the connection was revoked or has expired.
 */
export async function insertConnectionLease(
  em: SqlEntityManager,
  { list, start, expiresAt }: Place,
  {
    length,
    clientId,
    connectionId,
  }: { readonly length: number; readonly clientId: string; readonly connectionId: string },
): Promise<boolean> {
  const inserted = await executePrepared(em, INSERT_SQL, [
    ...[clientId, connectionId, connectionId],
    ...[list, start, length, clientId, expiresAt],
  ]);
  return inserted.length > 0;
}

const INSERT_SQL = `with client as materialized (
    select client_id from auth.client where client_id = ? and active for share
  ), account as materialized (
    select id from auth.account
    where exists (select from client) and active
      and id = (select account_id from auth.connection where connection.id = ?) for share
  ), connection as materialized (
    select connection.id from auth.connection join account on account.id = connection.account_id
    where connection.id = ? and connection.expires_at > now() for share of connection
  )
  insert into auth.lease (list, start, length, holder, connection_id, expires_at)
  select ?, ?, ?, ?, connection.id, to_timestamp(?) from connection
  returning list`;
