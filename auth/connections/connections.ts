import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { RequestOrigin } from '../audit/audit.ts';
import type { StatusLists } from '../status-lists/status-lists.ts';
import { ConnectionEntity, type ConnectionRow } from './connection.entity.ts';
import { type ConnectionSelection, type RevokedConnection, revokeConnections } from './revoke-connections.ts';

/** The seconds after which a connection whose authorization code was never redeemed is deleted: the code has expired. */
const UNUSED_CONNECTION_SECONDS = 600;

/** The connections of persons to clients. */
export type Connections = {
  /** Lists live connections, the newest first. */
  readonly list: (selection?: {
    accountId?: string | undefined;
    clientId?: string | undefined;
  }) => Promise<ConnectionRow[]>;
  /**
   * Revokes connections. Resolves when the revocation is committed and this process has published it.
   * @returns what was revoked, and the sequence of a revocation to wait for.
   */
  readonly revoke: (
    selection: ConnectionSelection,
    request: RequestOrigin & { readonly reason: string },
  ) => Promise<{ readonly revoked: readonly RevokedConnection[]; readonly sequence: number }>;
};

/** Creates the view of the connections in a database. */
export function createConnections({
  em,
  statusLists,
}: {
  em: SqlEntityManager;
  statusLists: Pick<StatusLists, 'catchUp' | 'snapshot'>;
}): Connections {
  return {
    list: ({ accountId, clientId } = {}) =>
      em.fork().find(
        ConnectionEntity,
        {
          expiresAt: { $gt: new Date() },
          ...(accountId !== undefined && { accountId }),
          ...(clientId !== undefined && { clientId }),
        },
        { orderBy: { createdAt: 'desc', id: 'asc' }, disableIdentityMap: true },
      ),
    async revoke(selection, request) {
      const { revoked, sequence } = await em
        .fork()
        .transactional((transaction) => revokeConnections(transaction, selection, request));
      await statusLists.catchUp();
      // if there was no access token to revoke, the caller can wait for the newest earlier revocation
      return { revoked, sequence: sequence ?? statusLists.snapshot().sequence };
    },
  };
}

/** Deletes the connections that have expired, and those whose authorization code was never redeemed. */
export async function deleteExpiredConnections(em: SqlEntityManager): Promise<void> {
  await em.fork().transactional(async (transaction) => {
    const expired = await transaction.execute<{ id: string }[]>(
      `select id from auth.connection where expires_at <= now()
         or (last_used_at is null and created_at < now() - make_interval(secs => ${UNUSED_CONNECTION_SECONDS}))
       order by id for update`,
    );
    if (expired.length === 0) return;
    const ids = expired.map(({ id }) => id);
    const listed = ids.map(() => '?').join(', ');
    await transaction.execute(`delete from auth.artifact where grant_id in (${listed})`, ids);
    await transaction.execute(`delete from auth.connection where id in (${listed})`, ids);
  });
}
