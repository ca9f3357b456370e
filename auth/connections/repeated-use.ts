import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { Logger } from 'pino';
import { insertAuditEvent } from '../audit/audit.ts';

/** Networks that are kept for a connection. */
const MAX_NETWORKS = 10;

/**
 * Notes that a refresh token was used a second time within its grace, and from where. A host with several processes does that,
 * and so does a thief at the same time as the host: the person sees it on the account page. It returns at once.
 */
export function noteRepeatedUse(
  { em, logger }: { em: SqlEntityManager; logger: Logger },
  { connectionId, network, requestId }: { connectionId: string; network: string; requestId: string | undefined },
): void {
  note().catch((err) =>
    logger.warn(
      { event: 'refresh_token.note_failed', err, request_id: requestId },
      'cannot note a repeated use of a refresh token',
    ),
  );

  async function note(): Promise<void> {
    await em.fork().transactional(async (transaction) => {
      const [noted] = await transaction.execute<{ accountId: string; clientId: string }[]>(
        `update auth.connection set
           repeated_uses = repeated_uses + 1,
           repeated_use_networks = case
             when ? = any(repeated_use_networks) or cardinality(repeated_use_networks) >= ${MAX_NETWORKS}
             then repeated_use_networks else array_append(repeated_use_networks, ?) end
         where id = ?
         returning account_id as "accountId", client_id as "clientId"`,
        [network, network, connectionId],
      );
      if (noted === undefined) return;
      await insertAuditEvent(transaction, {
        actor: noted.clientId,
        accountId: noted.accountId,
        address: network,
        requestId: requestId ?? null,
        action: 'connection.repeated-use',
        target: connectionId,
        outcome: 'success',
        detail: { client_id: noted.clientId },
      });
    });
  }
}
