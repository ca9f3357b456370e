import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { RevocationEntity } from '../status-lists/status-list.entity.ts';
import type { StatusLists } from '../status-lists/status-lists.ts';

/** Who revokes, and why. */
export type RevocationCause = { readonly actor: string; readonly reason: string };

/** Places in a status list. */
export type Range = { readonly list: number; readonly start: number; readonly length: number };

/** What takes access back. Each resolves once it is committed and published by this process, with its sequence. */
export type Revocations = {
  /** Revokes one token. Revoking it again changes nothing. */
  readonly revokeToken: (token: { list: number; index: number }, cause: RevocationCause) => Promise<void>;
  /** Revokes every token that a client holds, and those that were exchanged from them: a row for each of its blocks. */
  readonly revokeClient: (clientId: string, cause: RevocationCause) => Promise<void>;
};

/** Creates what takes access back. */
export function createRevocations({
  em,
  statusLists,
}: {
  em: SqlEntityManager;
  statusLists: StatusLists;
}): Revocations {
  return {
    async revokeToken({ list, index }, cause) {
      if (statusLists.isInvalid(list, index)) return;
      await em
        .fork()
        .transactional((transaction) => insertRevocations(transaction, [{ list, start: index, length: 1 }], cause));
      await statusLists.catchUp();
    },
    async revokeClient(clientId, cause) {
      await em.fork().transactional((transaction) => revokeLeases(transaction, clientId, cause));
      await statusLists.catchUp();
    },
  };
}

/**
 * Revokes every block that was leased to a client, as a part of `transaction`. The client's row is locked first, so that
 * no lease is made beside it.
 */
export async function revokeLeases(
  transaction: SqlEntityManager,
  clientId: string,
  cause: RevocationCause,
): Promise<void> {
  await transaction.execute('select 1 from auth.client where client_id = ? for update', [clientId]);
  const leases = await transaction.execute<Range[]>(
    'select list, start, length from auth.lease where holder = ? and expires_at > now() order by list, start',
    [clientId],
  );
  await insertRevocations(transaction, leases, cause);
}

async function insertRevocations(
  transaction: SqlEntityManager,
  ranges: readonly Range[],
  cause: RevocationCause,
): Promise<void> {
  if (ranges.length === 0) return;
  // one at a time from here to the commit: a reader that has seen a sequence has seen every one before it
  await transaction.execute("select pg_advisory_xact_lock(hashtext('auth revocations'))");
  await transaction.insertMany(
    RevocationEntity,
    ranges.map((range) => ({ ...range, ...cause, at: new Date() })),
  );
}
