import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { type AuditEvent, insertAuditEvent, type Origin } from '../audit/audit.ts';
import { RETAINED_SQL } from '../status-lists/status-list-retention.ts';
import type { StatusLists } from '../status-lists/status-lists.ts';
import { RevocationEntity } from './revocation.entity.ts';

/** Who revokes, and why. */
export type RevocationCause = { readonly actor: string; readonly reason: string };

/** Places in a status list. */
type Range = { readonly list: number; readonly start: number; readonly length: number };

/** A token by its place in a status list, and as it is told of. */
type RevocableToken = {
  readonly list: number;
  readonly index: number;
  readonly jti: string;
  readonly clientId: string;
};

/** Who asked for a revocation, from where, and why. */
type RequestedRevocation = Origin & { readonly actor: string; readonly reason: string };

/**
 * What takes access back. Each resolves with its sequence once it is committed together with its audit event, and
 * published by this process.
 */
export type Revocations = {
  /** Revokes one token. Revoking it again changes nothing. */
  readonly revokeToken: (token: RevocableToken, request: RequestedRevocation) => Promise<number>;
  /** Revokes every token that a client holds, was given in an exchange, or that was exchanged from them: a row a block at most. */
  readonly revokeClient: (clientId: string, request: RequestedRevocation) => Promise<number>;
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
    async revokeToken({ list, index, jti, clientId: client_id }, { reason, ...origin }) {
      if (statusLists.isInvalid(list, index)) return statusLists.snapshot().sequence;
      const cause = { actor: origin.actor, reason };
      return commit({ ...origin, action: 'token.revoke', target: jti, detail: { client_id } }, (transaction) =>
        insertRevocations(transaction, [{ list, start: index, length: 1 }], cause),
      );
    },
    revokeClient(clientId, { reason, ...origin }) {
      const cause = { actor: origin.actor, reason };
      return commit({ ...origin, action: 'client.revoke-tokens', target: clientId, detail: {} }, (transaction) =>
        revokeLeases(transaction, clientId, cause),
      );
    },
  };

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
    // where there was nothing to revoke, what was revoked before is what there is to wait for
    return sequence ?? statusLists.snapshot().sequence;
  }
}

/**
 * Revokes every block that was leased to a client, as a part of `transaction`. The client's row is locked first, so that
 * no lease is made beside it. The leases end with it: what is revoked once is not revoked again.
 * @param exchanged whether the tokens fall too that it was given in exchange for others' tokens, and those tokens with them.
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
  return insertRevocations(transaction, joinRanges(leases), cause);
}

/** The same indexes in as few ranges as there can be. */
function joinRanges(ranges: readonly Range[]): Range[] {
  const joined: Range[] = [];
  for (const range of ranges.toSorted((one, other) => one.list - other.list || one.start - other.start)) {
    const { list, start, length } = joined.at(-1) ?? { list: -1, start: 0, length: 0 };
    if (range.list !== list || range.start > start + length) joined.push(range);
    else joined.splice(-1, 1, { list, start, length: Math.max(length, range.start + range.length - start) });
  }
  return joined;
}

/** Returns the sequence of the last of them, or undefined when there was nothing to revoke. */
async function insertRevocations(
  transaction: SqlEntityManager,
  ranges: readonly Range[],
  cause: RevocationCause,
): Promise<number | undefined> {
  if (ranges.length === 0) return undefined;
  // one at a time from here to the commit: a reader that has seen a sequence has seen every one before it
  await transaction.execute("select pg_advisory_xact_lock(hashtext('auth revocations'))");
  const rows = ranges.map((range) => ({ ...range, ...cause, at: new Date() }));
  await transaction.insertMany(RevocationEntity, rows);
  const [last] = await transaction.execute<{ sequence: number }[]>(
    'select max(sequence)::float8 as sequence from auth.revocation',
  );
  return last?.sequence;
}
