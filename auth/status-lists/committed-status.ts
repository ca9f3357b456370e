import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { RETAINED_SQL } from './status-list-retention.ts';

/**
 * What the database knows of the status lists: the lists that are retained, and the revocations since the last read.
 */
export type CommittedStatus = {
  readonly lists: readonly {
    readonly id: number;
    /** Indexes of the list that are leased, by all processes. */
    readonly leased: number;
    /** In seconds since the epoch. */
    readonly expiresAt: number;
  }[];
  /** In the order of their sequence. */
  readonly revocations: readonly {
    readonly sequence: number;
    readonly list: number;
    readonly start: number;
    readonly length: number;
    /** When it was committed, in milliseconds since the epoch. */
    readonly at: number;
  }[];
};

/**
 * Reads the lists, and the revocations that are newer than `afterSequence`. Revocations are read first: the list of each was
 * committed before it, and a revoked signing key together with it.
 * @param readKeys reads the signing keys, at the same time as the lists.
 */
export async function readCommittedStatus(
  em: SqlEntityManager,
  afterSequence: number,
  readKeys: () => Promise<void>,
): Promise<CommittedStatus> {
  const revocations = await em
    .fork()
    .execute<CommittedStatus['revocations'][number][]>(
      'select sequence::float8 as sequence, list, start, length, extract(epoch from at)::float8 * 1000 as at from auth.revocation where sequence > ? order by sequence',
      [afterSequence],
    );
  const lists = em
    .fork()
    .execute<CommittedStatus['lists'][number][]>(
      `select id, next_index as leased, extract(epoch from expires_at)::float8 as "expiresAt" from auth.status_list where ${RETAINED_SQL}`,
    );
  const [read] = await Promise.all([lists, readKeys()]);
  return { lists: read, revocations };
}
