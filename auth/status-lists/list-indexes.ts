import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { EmFor } from '../database/priority-connections.ts';

/** Tokens that one status list has a bit for. */
export const TOKENS_PER_LIST = 131_072;

/**
 * Indexes that a process reserves in one transaction for the small blocks of connections. Otherwise each block would lock the
 * row of the list until its transaction is on disk, one after another.
 */
const RESERVED_LENGTH = 1_024;

/** Where a block of indexes begins. `expiresAt`, in seconds since the epoch, is that of the list. */
export type Place = { readonly list: number; readonly expiresAt: number; readonly start: number };

type Reserved = { readonly list: number; readonly expiresAt: number; next: number; readonly end: number };

type ListRow = { id: number; nextIndex: number; expiresAt: number };

/** The indexes of the status lists that no block has yet. No index is taken twice, by whichever process. */
export type ListIndexes = {
  /**
   * Takes the next `length` indexes of a list that lives until `expiresAt`, in seconds since the epoch. It locks the row of
   * the list until the end of `transaction`.
   */
  readonly take: (transaction: SqlEntityManager, expiresAt: number, length: number) => Promise<Place>;
  /**
   * Takes indexes that this process has reserved. If the process ends, or the caller does not use them, they stay unused.
   * @param holder the client for whose request they are taken.
   */
  readonly takeReserved: (holder: string, expiresAt: number, length: number) => Promise<Place>;
};

/**
 * Creates the indexes of the lists in a database.
 * @param listLifetimeSeconds for how long a list takes new tokens.
 */
export function createListIndexes({
  emFor,
  listLifetimeSeconds,
}: {
  emFor: EmFor;
  listLifetimeSeconds: number;
}): ListIndexes {
  let reserved: Reserved | undefined;
  let reserving: Promise<void> | undefined;

  return {
    take,
    async takeReserved(holder, expiresAt, length) {
      while (reserved === undefined || expiresAt > reserved.expiresAt || reserved.next + length > reserved.end) {
        reserving ??= reserve(holder, expiresAt).finally(() => {
          reserving = undefined;
        });
        await reserving;
      }
      const { list, expiresAt: listExpiresAt, next: start } = reserved;
      reserved.next += length;
      return { list, expiresAt: listExpiresAt, start };
    },
  };

  async function reserve(holder: string, expiresAt: number): Promise<void> {
    const { list, start, ...place } = await emFor(holder)
      .fork()
      .transactional((transaction) => take(transaction, expiresAt, RESERVED_LENGTH));
    reserved = { list, expiresAt: place.expiresAt, next: start, end: start + RESERVED_LENGTH };
  }

  async function take(transaction: SqlEntityManager, expiresAt: number, length: number): Promise<Place> {
    const list = await findOrCreateList(transaction, expiresAt, length);
    await transaction.execute('update auth.status_list set next_index = next_index + ? where id = ?', [
      length,
      list.id,
    ]);
    return { list: list.id, start: list.nextIndex, expiresAt: list.expiresAt };
  }

  async function findOrCreateList(transaction: SqlEntityManager, expiresAt: number, length: number) {
    const columns = 'id, next_index as "nextIndex", extract(epoch from expires_at)::float8 as "expiresAt"';
    const [found] = await transaction.execute<ListRow[]>(
      `select ${columns} from auth.status_list
       where expires_at >= to_timestamp(?) and next_index + ? <= ${TOKENS_PER_LIST} order by id limit 1 for update`,
      [expiresAt, length],
    );
    if (found !== undefined) return found;
    const [created] = await transaction.execute<ListRow[]>(
      `insert into auth.status_list (next_index, expires_at) values (0, to_timestamp(?)) returning ${columns}`,
      [expiresAt + listLifetimeSeconds],
    );
    if (created === undefined) throw new Error('insert into auth.status_list returned no row');
    return created;
  }
}
