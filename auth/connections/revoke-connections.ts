import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { insertSuccess, type RequestOrigin } from '../audit/audit.ts';
import { type Range, revokeRanges } from '../revocation/revoke-ranges.ts';
import { RETAINED_SQL } from '../status-lists/status-list-retention.ts';

/** Which connections: the one with an id, or all of an account, of a client, or of a client and an account. */
export type ConnectionSelection =
  | { readonly id: string; readonly accountId?: string; readonly clientId?: undefined }
  | {
      readonly accountId: string;
      readonly clientId?: string;
      readonly id?: undefined;
      /** Ids of connections that stay. */
      readonly except?: readonly string[];
    }
  | { readonly clientId: string; readonly accountId?: string; readonly id?: undefined };

/** A connection that was revoked. */
export type RevokedConnection = { readonly id: string; readonly accountId: string; readonly clientId: string };

/**
 * Revokes connections in `transaction`: their access tokens, with one revocation for each leased block, their refresh tokens
 * and their authorization codes. Exchanged access tokens have the same status, so they are revoked too. It locks each
 * connection first, so that no lease is added at the same time, and writes an audit event for each.
 * @returns the connections, and the sequence of the last revocation, or undefined when no access token was issued.
 */
export async function revokeConnections(
  transaction: SqlEntityManager,
  { id, accountId, clientId, ...selection }: ConnectionSelection,
  { reason, ...origin }: RequestOrigin & { readonly reason: string },
): Promise<{ readonly revoked: readonly RevokedConnection[]; readonly sequence: number | undefined }> {
  const conditions = { id, account_id: accountId, client_id: clientId };
  const given = Object.entries(conditions).filter(([, value]) => value !== undefined);
  const except = 'except' in selection ? (selection.except ?? []) : [];
  const found = await transaction.execute<RevokedConnection[]>(
    `select id, account_id as "accountId", client_id as "clientId" from auth.connection
     where ${given.map(([column]) => `${column} = ?`).join(' and ')} order by id for update`,
    given.map(([, value]) => value),
  );
  const revoked = found.filter((connection) => !except.includes(connection.id));
  if (revoked.length === 0) return { revoked, sequence: undefined };
  const ids = revoked.map((connection) => connection.id);
  const listed = ids.map(() => '?').join(', ');
  const leases = await transaction.execute<Range[]>(
    `delete from auth.lease where connection_id in (${listed}) and ${RETAINED_SQL} returning list, start, length`,
    ids,
  );
  await transaction.execute(`delete from auth.artifact where grant_id in (${listed})`, ids);
  await transaction.execute(`delete from auth.connection where id in (${listed})`, ids);
  const sequence = await revokeRanges(transaction, leases, { actor: origin.actor ?? '', reason });
  for (const connection of revoked)
    await insertSuccess(
      transaction,
      { ...origin, accountId: connection.accountId },
      'connection.revoke',
      connection.id,
      {
        client_id: connection.clientId,
        reason,
        sequence,
      },
    );
  return { revoked, sequence };
}
