import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { type AuditEvent, insertAuditEvent, type RecordAuditEvent, type RequestOrigin } from '../audit/audit.ts';
import { RETAINED_SQL } from '../status-lists/status-list-retention.ts';
import type { StatusLists } from '../status-lists/status-lists.ts';
import { type Range, type RevocationCause, revokeRanges } from './revoke-ranges.ts';

/** An access token: its index in a status list, and how the audit names it. */
type RevocableToken = {
  readonly list: number;
  readonly index: number;
  readonly jti: string;
  readonly clientId: string;
};

/** The origin of a request to revoke, and its reason. */
type RevocationRequest = RequestOrigin & { readonly actor: string; readonly reason: string };

/**
 * Revokes access tokens. Each method resolves with the sequence of the revocation, after the revocation was committed
 * together with its audit event and this process has published it.
 */
export type Revocations = {
  /**
   * Revokes one access token. A second revocation changes nothing but is recorded in the audit, and one at the same time
   * shares the transaction.
   */
  readonly revokeToken: (token: RevocableToken, request: RevocationRequest) => Promise<number>;
  /**
   * Revokes every access token of a client, those that it got in an exchange, and those that were exchanged from its
   * tokens. It writes at most one row for each leased block.
   */
  readonly revokeClient: (clientId: string, request: RevocationRequest) => Promise<number>;
};

/** Creates the revocation of access tokens in a database. */
export function createRevocations({
  em,
  statusLists,
  record,
}: {
  em: SqlEntityManager;
  statusLists: Pick<StatusLists, 'isInvalid' | 'snapshot' | 'catchUp'>;
  record: RecordAuditEvent;
}): Revocations {
  /** The revocations of single access tokens that are under way, by list and index. */
  const underWay = new Map<string, Promise<number>>();

  return {
    async revokeToken(token, request) {
      const { list, index } = token;
      if (statusLists.isInvalid(list, index)) {
        recordRepetition(token, request);
        return statusLists.snapshot().sequence;
      }
      const key = `${list} ${index}`;
      const revoking = underWay.get(key) ?? commitToken(token, request).finally(() => underWay.delete(key));
      underWay.set(key, revoking);
      return revoking;
    },
    revokeClient(clientId, { reason, ...origin }) {
      const cause = { actor: origin.actor, reason };
      return commit({ ...origin, action: 'client.revoke-tokens', target: clientId, detail: {} }, (transaction) =>
        revokeLeases(transaction, clientId, cause),
      );
    },
  };

  function recordRepetition(
    { jti, clientId: client_id }: RevocableToken,
    { reason, ...origin }: RevocationRequest,
  ): void {
    const detail = { client_id, reason: 'the access token was revoked before' };
    record({ ...origin, action: 'token.revoke', target: jti, outcome: 'success', detail });
  }

  function commitToken(
    { list, index, jti, clientId: client_id }: RevocableToken,
    { reason, ...origin }: RevocationRequest,
  ): Promise<number> {
    const cause = { actor: origin.actor, reason };
    return commit({ ...origin, action: 'token.revoke', target: jti, detail: { client_id } }, (transaction) =>
      revokeRanges(transaction, [{ list, start: index, length: 1 }], cause),
    );
  }

  async function commit(
    { detail, ...event }: Omit<AuditEvent, 'outcome'>,
    revoke: (transaction: SqlEntityManager) => Promise<number | undefined>,
  ): Promise<number> {
    const sequence = await em.fork().transactional(async (transaction) => {
      const committed = await revoke(transaction);
      await insertAuditEvent(transaction, { ...event, outcome: 'success', detail: { ...detail, sequence: committed } });
      return committed;
    });
    await statusLists.catchUp();
    // if there was nothing to revoke, the caller can wait for the newest earlier revocation
    return sequence ?? statusLists.snapshot().sequence;
  }
}

/**
 * Revokes every block of indexes that is leased to a client, in `transaction`. It locks the row of the client first, so
 * that no lease is added at the same time. It deletes the leases, so that a second call revokes nothing again.
 * @param exchanged whether to include the tokens that the client got in an exchange, and thereby their subject tokens.
 * @returns the sequence of the last revocation, or undefined when there was nothing to revoke.
 */
export async function revokeLeases(
  transaction: SqlEntityManager,
  clientId: string,
  cause: RevocationCause,
  { exchanged = true }: { exchanged?: boolean } = {},
): Promise<number | undefined> {
  await transaction.execute('select 1 from auth.client where client_id = ? for update', [clientId]);
  const leases = await transaction.execute<Range[]>(
    `delete from auth.lease where holder = ? and ${RETAINED_SQL}${exchanged ? '' : ' and not shared'} returning list, start, length`,
    [clientId],
  );
  return revokeRanges(transaction, leases, cause);
}
