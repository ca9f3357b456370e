import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { LRUCache } from 'lru-cache';
import { lockActiveClient } from '../clients/active-clients.ts';
import type { EmFor } from '../database/priority-connections.ts';

/** Tokens that one status list has a bit for. */
export const TOKENS_PER_LIST = 131_072;

/**
 * Indexes in a holder's first block and in its largest. Each block is twice as long as the one before, so a holder
 * needs few.
 */
const FIRST_BLOCK_LENGTH = 16;
const MAX_BLOCK_LENGTH = 4_096;

/**
 * From this block length on, the next block is leased when half of the current one is used, so that no token waits for
 * it.
 */
const LEASE_AHEAD_MIN_LENGTH = 256;

/** Holders whose current block is kept in memory. */
const MAX_HOLDERS_IN_MEMORY = 10_000;

/** A block of indexes that this process assigns to the tokens of one holder. */
type Block = {
  readonly list: number;
  /** In seconds since the epoch. No token with an index of this block may expire later. */
  readonly expiresAt: number;
  readonly end: number;
  readonly length: number;
  next: number;
  following?: Block;
};

/** The index of a token in a status list. */
export type StatusIndex = { readonly list: number; readonly index: number };

/** Assigns status list indexes to access tokens. The holder of a lease is the client whose tokens get the indexes. */
export type Leases = {
  /** Returns how many indexes of a list this process has assigned to tokens. */
  readonly countAssigned: (list: number) => number;
  /**
   * Assigns an index to a token of `holder` that expires at `expiresAt`, in seconds since the epoch. The index comes
   * from memory, without a promise, except for one transaction for each block. No index is assigned twice.
   * @throws {LeaseHolderNotFoundError} when the holder does not exist or is disabled.
   */
  readonly assign: (holder: string, expiresAt: number) => StatusIndex | Promise<StatusIndex>;
  /**
   * Assigns an index to a token that replaces the holder's earlier tokens. `revokeEarlier` revokes those in the same
   * transaction. Unlike `assign`, this method needs a transaction for each token.
   * @throws {LeaseHolderNotFoundError} when the holder does not exist or is disabled.
   */
  readonly assignExclusively: (
    holder: string,
    expiresAt: number,
    revokeEarlier: (transaction: SqlEntityManager) => Promise<void>,
  ) => Promise<StatusIndex>;
  /**
   * Gives `holder` a lease on the index of another client's token, from which the holder's token was exchanged:
   * revoking the holder then also revokes that index. This costs one transaction for each exchange.
   * @throws {LeaseHolderNotFoundError} when the holder does not exist or is disabled.
   */
  readonly share: (holder: string, statusIndex: StatusIndex) => Promise<void>;
};

/**
 * Creates the leases of one auth process. The processes on one database lease blocks from the same lists; each locks
 * the row of the list while it leases.
 * @param emFor chooses the connections for the requests of a holder.
 * @param listLifetimeSeconds for how long a list takes new tokens.
 * @param isInvalid whether an index was revoked. No further index is assigned from a block that was revoked together
 *   with its holder.
 */
export function createLeases({
  em,
  emFor = () => em,
  listLifetimeSeconds,
  isInvalid,
}: {
  em: SqlEntityManager;
  emFor?: EmFor;
  listLifetimeSeconds: number;
  isInvalid: (list: number, index: number) => boolean;
}): Leases {
  const blocks = new LRUCache<string, Block>({ max: MAX_HOLDERS_IN_MEMORY });
  const leasing = new Map<string, Promise<void>>();
  const assignedCounts = new Map<number, number>();

  return {
    countAssigned: (list) => assignedCounts.get(list) ?? 0,
    assign,
    assignExclusively(holder, expiresAt, revokeEarlier) {
      return emFor(holder)
        .fork()
        .transactional(async (transaction) => {
          await revokeEarlier(transaction);
          const { list, next } = await insertLease(transaction, holder, expiresAt, 1);
          count(list);
          return { list, index: next };
        });
    },
    share(holder, { list, index }) {
      return emFor(holder)
        .fork()
        .transactional(async (transaction) => {
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

  function assign(holder: string, expiresAt: number): StatusIndex | Promise<StatusIndex> {
    const block = blocks.get(holder);
    if (block !== undefined && expiresAt <= block.expiresAt && block.next < block.end) {
      const index = block.next;
      if (!isInvalid(block.list, index)) {
        block.next += 1;
        count(block.list);
        if (block.length >= LEASE_AHEAD_MIN_LENGTH && block.end - block.next === block.length / 2)
          // if this fails, the block is leased again when it is needed, and that call throws
          leaseAfter(block, holder, expiresAt).catch(() => undefined);
        return { list: block.list, index };
      }
    }
    if (block?.following !== undefined) {
      blocks.set(holder, block.following);
      return assign(holder, expiresAt);
    }
    return leaseAfter(block, holder, expiresAt).then(() => assign(holder, expiresAt));
  }

  function count(list: number): void {
    assignedCounts.set(list, (assignedCounts.get(list) ?? 0) + 1);
  }

  /** Leases the block after `block`, or the holder's first block. Concurrent callers for one holder share one lease. */
  function leaseAfter(block: Block | undefined, holder: string, expiresAt: number): Promise<void> {
    const leased = leasing.get(holder) ?? lease().finally(() => leasing.delete(holder));
    leasing.set(holder, leased);
    return leased;

    async function lease(): Promise<void> {
      const length = Math.min(block === undefined ? FIRST_BLOCK_LENGTH : block.length * 2, MAX_BLOCK_LENGTH);
      const following = await emFor(holder)
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

type ListRow = { id: number; nextIndex: number; expiresAt: number };

/**
 * Locks the row of an active client against a concurrent change. A transaction that disables the client therefore
 * either sees the new lease and revokes it, or commits first and this one finds no active client.
 * @throws {LeaseHolderNotFoundError}
 */
async function requireHolder(transaction: SqlEntityManager, holder: string): Promise<void> {
  if (!(await lockActiveClient(transaction, holder))) throw new LeaseHolderNotFoundError(holder);
}

/** The client that is to hold a lease was deleted or disabled. */
export class LeaseHolderNotFoundError extends Error {
  override readonly name = 'LeaseHolderNotFoundError';

  constructor(holder: string) {
    super(`there is no active client ${holder}`);
  }
}
