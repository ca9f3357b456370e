import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { RevocationEntity } from './revocation.entity.ts';

/** Who revokes, and for what reason. */
export type RevocationCause = { readonly actor: string; readonly reason: string };

/** A range of indexes in a status list. */
export type Range = { readonly list: number; readonly start: number; readonly length: number };

/** A range of no list. Its row gives something else than a token, such as a signing key, a place in the sequence. */
export const NO_INDEXES: Range = { list: 0, start: 0, length: 0 };

/**
 * Revokes the access tokens with these indexes, in `transaction`. It writes one row for ranges that overlap or are adjacent.
 * @returns the sequence of the last revocation, or undefined when there was nothing to revoke.
 */
export async function revokeRanges(
  transaction: SqlEntityManager,
  ranges: readonly Range[],
  cause: RevocationCause,
): Promise<number | undefined> {
  if (ranges.length === 0) return undefined;
  // the lock is held until the commit, so that sequences are committed in order and a reader never misses an earlier
  // one
  await transaction.execute("select pg_advisory_xact_lock(hashtext('auth revocations'))");
  const rows = joinRanges(ranges).map((range) => ({ ...range, ...cause, at: new Date() }));
  await transaction.insertMany(RevocationEntity, rows);
  const [last] = await transaction.execute<{ sequence: number }[]>(
    'select max(sequence)::float8 as sequence from auth.revocation',
  );
  return last?.sequence;
}

/** Joins ranges that overlap or are adjacent. */
function joinRanges(ranges: readonly Range[]): Range[] {
  const joined: Range[] = [];
  for (const range of ranges.toSorted((one, other) => one.list - other.list || one.start - other.start)) {
    const { list, start, length } = joined.at(-1) ?? { list: -1, start: 0, length: 0 };
    if (range.list !== list || range.start > start + length) joined.push(range);
    else joined.splice(-1, 1, { list, start, length: Math.max(length, range.start + range.length - start) });
  }
  return joined;
}
