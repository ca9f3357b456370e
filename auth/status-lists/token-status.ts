import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { StatusReference } from '../../shared/resource-server/status-list.ts';
import type { Leases, StatusIndex } from './leases.ts';
import { getListId, listUri } from './list-uri.ts';
import type { StatusLists } from './status-lists.ts';

/** Revokes the indexes that are leased to a client. It is handed in, because revocation builds on the status lists. */
type RevokeLeases = (
  transaction: SqlEntityManager,
  clientId: string,
  cause: { readonly actor: string; readonly reason: string },
  options: { readonly exchanged: boolean },
) => Promise<unknown>;

/**
 * Gives access tokens their claim `status.status_list` (draft-ietf-oauth-status-list-21 §6.1). Each method throws, or
 * rejects with, a {@link LeaseHolderNotFoundError} when the client does not exist or is disabled.
 */
export type TokenStatus = {
  /**
   * Assigns a status to a token of a client that expires at `expiresAt`, in seconds since the epoch. It returns without
   * a promise unless a new block of indexes must be leased.
   * @param connectionId the connection to which the token belongs, if any.
   * @throws {ConnectionNotFoundError} when the connection has ended.
   */
  readonly assign: (
    clientId: string,
    expiresAt: number,
    connectionId?: string,
  ) => StatusReference | Promise<StatusReference>;
  /** Assigns a status to a token, and revokes the earlier tokens that were issued to the client directly. */
  readonly assignExclusively: (clientId: string, expiresAt: number) => Promise<StatusReference>;
  /** Records that a token of the client has the status of the subject token from which it was exchanged (RFC 8693). */
  readonly share: (clientId: string, status: StatusReference) => Promise<void>;
};

/** Creates the assignment of statuses to access tokens. */
export function createTokenStatus({
  issuer,
  leases,
  statusLists,
  revokeLeases,
}: {
  issuer: string;
  leases: Pick<Leases, 'assign' | 'assignExclusively' | 'share'>;
  statusLists: Pick<StatusLists, 'catchUp'>;
  revokeLeases: RevokeLeases;
}): TokenStatus {
  return {
    assign(clientId, expiresAt, connectionId) {
      const statusIndex = leases.assign(clientId, expiresAt, connectionId);
      return statusIndex instanceof Promise ? statusIndex.then(toReference) : toReference(statusIndex);
    },
    async assignExclusively(clientId, expiresAt) {
      const cause = { actor: clientId, reason: 'replaced by a newer access token' };
      const statusIndex = await leases.assignExclusively(clientId, expiresAt, async (transaction) => {
        // tokens from an exchange stay valid: their status is also that of the subject token, which another client
        // holds
        await revokeLeases(transaction, clientId, cause, { exchanged: false });
      });
      await statusLists.catchUp();
      return toReference(statusIndex);
    },
    async share(clientId, { idx, uri }) {
      await leases.share(clientId, { list: getListId(issuer, uri), index: idx });
    },
  };

  function toReference({ list, index }: StatusIndex): StatusReference {
    return { idx: index, uri: listUri(issuer, list) };
  }
}
