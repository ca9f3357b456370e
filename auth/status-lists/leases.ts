import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { LRUCache } from 'lru-cache';

/** Tokens that a list has a bit for. */
export const LIST_SIZE = 131_072;

/** A holder's first block, and the largest: each is twice as long as the one before, so that few are needed. */
const FIRST_BLOCK = 16;
const LARGEST_BLOCK = 4_096;

/** A holder that needs blocks of this length is given the next one before this one is used up, and waits for none. */
const LEASE_AHEAD_FROM = 256;

/** A block of indexes that this process hands out. */
type Block = {
  readonly list: number;
  readonly expiresAt: number;
  readonly end: number;
  readonly length: number;
  next: number;
  following?: Block;
};

/** A place in a status list. */
export type StatusIndex = { readonly list: number; readonly index: number };

/** The places that tokens get in the status lists. */
export type Leases = {
  /** Indexes of a list that this process gave to tokens. */
  readonly given: (list: number) => number;
  /**
   * The place of a token of `holder` that expires at `expiresAt`, in seconds since the epoch. It comes from memory at
   * once, but for one transaction a block, and none is ever given twice.
   * @throws {LeaseHolderNotFoundError}
   */
  readonly take: (holder: string, expiresAt: number) => StatusIndex | Promise<StatusIndex>;
  /**
   * The same for a token that takes the place of the holder's earlier ones, which `revokeEarlier` revokes in the same
   * transaction. This is a transaction for each token.
   */
  readonly takeAlone: (
    holder: string,
    expiresAt: number,
    revokeEarlier: (transaction: SqlEntityManager) => Promise<void>,
  ) => Promise<StatusIndex>;
  /**
   * A token of `holder` has the place of another's, from which it was exchanged: it falls with the holder's too. This is a
   * transaction for each exchange.
   * @throws {LeaseHolderNotFoundError}
   */
  readonly share: (holder: string, place: StatusIndex) => Promise<void>;
};

/**
 * Creates the leases of one auth process. Processes on one database lease blocks from the same lists, each while the
 * list's row is locked.
 * @param listLifetime seconds for which a list takes new tokens.
 * @param isInvalid whether a place was revoked: a block that was revoked with its holder is not handed out any more.
 */
export function createLeases({
  em,
  listLifetime,
  isInvalid,
}: {
  em: SqlEntityManager;
  listLifetime: number;
  isInvalid: (list: number, index: number) => boolean;
}): Leases {
  const blocks = new LRUCache<string, Block>({ max: 10_000 });
  const leasing = new Map<string, Promise<void>>();
  const given = new Map<number, number>();

  return {
    given: (list) => given.get(list) ?? 0,
    take,
    takeAlone(holder, expiresAt, revokeEarlier) {
      return em.fork().transactional(async (transaction) => {
        await revokeEarlier(transaction);
        const { list, next } = await insertLease(transaction, holder, expiresAt, 1);
        count(list);
        return { list, index: next };
      });
    },
    share(holder, { list, index }) {
      return em.fork().transactional(async (transaction) => {
        await requireHolder(transaction, holder);
        await transaction.execute(
          `insert into auth.lease (list, start, length, holder, expires_at, shared)
           select id, ?, 1, ?, expires_at, true from auth.status_list where id = ?
           on conflict (list, start, holder) do nothing`,
          [index, holder, list],
        );
      });
    },
  };

  function take(holder: string, expiresAt: number): StatusIndex | Promise<StatusIndex> {
    const block = blocks.get(holder);
    if (block !== undefined && expiresAt <= block.expiresAt && block.next < block.end) {
      const index = block.next;
      if (!isInvalid(block.list, index)) {
        block.next += 1;
        count(block.list);
        if (block.length >= LEASE_AHEAD_FROM && block.end - block.next === block.length / 2)
          // one that fails is leased again when it is needed, and its error is told then
          leaseAfter(block, holder, expiresAt).catch(() => undefined);
        return { list: block.list, index };
      }
    }
    if (block?.following !== undefined) {
      blocks.set(holder, block.following);
      return take(holder, expiresAt);
    }
    return leaseAfter(block, holder, expiresAt).then(() => take(holder, expiresAt));
  }

  function count(list: number): void {
    given.set(list, (given.get(list) ?? 0) + 1);
  }

  /** Leases the block that follows `block`, or the first one: one, however many requests wait. */
  function leaseAfter(block: Block | undefined, holder: string, expiresAt: number): Promise<void> {
    const leased = leasing.get(holder) ?? lease().finally(() => leasing.delete(holder));
    leasing.set(holder, leased);
    return leased;

    async function lease(): Promise<void> {
      const length = Math.min(block === undefined ? FIRST_BLOCK : block.length * 2, LARGEST_BLOCK);
      const following = await em
        .fork()
        .transactional((transaction) => insertLease(transaction, holder, expiresAt, length));
      if (block === undefined) blocks.set(holder, following);
      else block.following = following;
    }
  }

  async function insertLease(
    transaction: SqlEntityManager,
    holder: string,
    expiresAt: number,
    length: number,
  ): Promise<Block> {
    await requireHolder(transaction, holder);
    const list = await findOrCreateList(transaction, expiresAt, length);
    await transaction.execute('update auth.status_list set next_index = next_index + ? where id = ?', [
      length,
      list.id,
    ]);
    await transaction.execute(
      'insert into auth.lease (list, start, length, holder, expires_at) values (?, ?, ?, ?, to_timestamp(?))',
      [list.id, list.nextIndex, length, holder, list.expiresAt],
    );
    return { list: list.id, expiresAt: list.expiresAt, next: list.nextIndex, end: list.nextIndex + length, length };
  }

  async function findOrCreateList(transaction: SqlEntityManager, expiresAt: number, length: number) {
    const columns = 'id, next_index as "nextIndex", extract(epoch from expires_at)::float8 as "expiresAt"';
    const [found] = await transaction.execute<List[]>(
      `select ${columns} from auth.status_list
       where expires_at >= to_timestamp(?) and next_index + ? <= ${LIST_SIZE} order by id limit 1 for update`,
      [expiresAt, length],
    );
    if (found !== undefined) return found;
    const [created] = await transaction.execute<List[]>(
      `insert into auth.status_list (next_index, expires_at) values (0, to_timestamp(?)) returning ${columns}`,
      [expiresAt + listLifetime],
    );
    if (created === undefined) throw new Error('an insert returned no row');
    return created;
  }
}

/** Who disables the holder at this moment either sees the lease that is made or keeps it from being made. */
async function requireHolder(transaction: SqlEntityManager, holder: string): Promise<void> {
  const [client] = await transaction.execute('select 1 from auth.client where client_id = ? and active for share', [
    holder,
  ]);
  if (client === undefined) throw new LeaseHolderNotFoundError(holder);
}

type List = { id: number; nextIndex: number; expiresAt: number };

/** The holder of a lease was disabled or deleted. */
export class LeaseHolderNotFoundError extends Error {
  override readonly name = 'LeaseHolderNotFoundError';

  constructor(holder: string) {
    super(`there is no client ${holder}`);
  }
}
