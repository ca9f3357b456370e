import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { LRUCache } from 'lru-cache';
import { lockActiveClient } from '../clients/active-clients.ts';
import type { EmFor } from '../database/priority-connections.ts';
import { insertConnectionLease } from './insert-connection-lease.ts';
import { createListIndexes, type Place } from './list-indexes.ts';

/**
 * Indexes in the first and in the largest block of a client, and of a connection. A block that was used up is followed
 * by one that is twice as long, so a holder of many tokens needs few blocks, and a connection that gets a token an hour
 * wastes few indexes.
 */
const FIRST_BLOCK_LENGTH = 16;
const FIRST_BLOCK_LENGTH_OF_CONNECTION = 4;
const MAX_BLOCK_LENGTH = 4_096;
const MAX_BLOCK_LENGTH_OF_CONNECTION = 256;

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
  readonly start: number;
  readonly end: number;
  next: number;
  following?: Block;
};

/** A block to lease. `expiresAt` is that of the token that needs it. */
type WantedBlock = {
  readonly holder: string;
  readonly expiresAt: number;
  readonly length: number;
};

type ConnectionBlock = WantedBlock & { readonly connectionId: string };

/** The index of a token in a status list. */
export type StatusIndex = { readonly list: number; readonly index: number };

/**
 * Assigns status list indexes to access tokens. The holder of a lease is the client whose tokens get the indexes. The tokens
 * of a connection have leases of their own, so that revoking the connection revokes no other tokens of the client.
 */
export type Leases = {
  /** Returns how many indexes of a list this process has assigned to tokens. */
  readonly countAssigned: (list: number) => number;
  /**
   * Assigns an index to a token of `holder` that expires at `expiresAt`, in seconds since the epoch. The index comes
   * from memory, without a promise, except for one transaction for each block. No index is assigned twice.
   * @param connection the id of the connection to which the token belongs, if any.
   * @throws {LeaseHolderNotFoundError} when the holder does not exist or is disabled.
   * @throws {ConnectionNotFoundError} when the connection was revoked or has expired, or its account is disabled.
   */
  readonly assign: (holder: string, expiresAt: number, connection?: string) => StatusIndex | Promise<StatusIndex>;
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
 * the row of the list while it takes indexes from it.
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
  const indexes = createListIndexes({ emFor, listLifetimeSeconds });

  return {
    countAssigned: (list) => assignedCounts.get(list) ?? 0,
    assign,
    assignExclusively(holder, expiresAt, revokeEarlier) {
      return emFor(holder)
        .fork()
        .transactional(async (transaction) => {
          await revokeEarlier(transaction);
          const { list, next } = await insertLease(transaction, { holder, expiresAt, length: 1 });
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

  function assign(holder: string, expiresAt: number, connection?: string): StatusIndex | Promise<StatusIndex> {
    // a key that no client id equals, because a client id has no line break
    const key = connection === undefined ? holder : `\n${connection}`;
    const block = blocks.get(key);
    if (block !== undefined && expiresAt <= block.expiresAt && block.next < block.end) {
      const index = block.next;
      if (!isInvalid(block.list, index)) {
        block.next += 1;
        count(block.list);
        const length = block.end - block.start;
        if (length >= LEASE_AHEAD_MIN_LENGTH && block.end - block.next === length / 2)
          // if this fails, the block is leased again when it is needed, and that call throws
          leaseAfter(block, { key, holder, expiresAt, connection, length: length * 2 }).catch(() => undefined);
        return { list: block.list, index };
      }
    }
    if (block?.following !== undefined) {
      blocks.set(key, block.following);
      return assign(holder, expiresAt, connection);
    }
    const first = connection === undefined ? FIRST_BLOCK_LENGTH : FIRST_BLOCK_LENGTH_OF_CONNECTION;
    const length = block === undefined ? first : lengthAfter(block, first);
    return leaseAfter(block, { key, holder, expiresAt, connection, length }).then(() =>
      assign(holder, expiresAt, connection),
    );
  }

  function count(list: number): void {
    assignedCounts.set(list, (assignedCounts.get(list) ?? 0) + 1);
  }

  /** Leases the block after `block`, or the first block. Concurrent callers for one key share one lease. */
  function leaseAfter(
    block: Block | undefined,
    { key, connection, ...wanted }: WantedBlock & { key: string; connection: string | undefined },
  ): Promise<void> {
    const leased = leasing.get(key) ?? lease().finally(() => leasing.delete(key));
    leasing.set(key, leased);
    return leased;

    async function lease(): Promise<void> {
      const following = await (connection === undefined
        ? leaseToClient(wanted)
        : leaseToConnection({ ...wanted, connectionId: connection }));
      if (block === undefined) blocks.set(key, following);
      else block.following = following;
    }
  }

  function leaseToClient(wanted: WantedBlock): Promise<Block> {
    return emFor(wanted.holder)
      .fork()
      .transactional((transaction) => insertLease(transaction, wanted));
  }

  /** Leases the next indexes of a list to a client. The client is locked before the list. */
  async function insertLease(transaction: SqlEntityManager, { holder, ...wanted }: WantedBlock): Promise<Block> {
    const length = Math.min(wanted.length, MAX_BLOCK_LENGTH);
    await requireHolder(transaction, holder);
    const place = await indexes.take(transaction, wanted.expiresAt, length);
    await transaction.execute(
      'insert into auth.lease (list, start, length, holder, expires_at) values (?, ?, ?, ?, to_timestamp(?))',
      [place.list, place.start, length, holder, place.expiresAt],
    );
    return blockAt(place, length);
  }

  async function leaseToConnection({ holder, connectionId, ...wanted }: ConnectionBlock): Promise<Block> {
    const length = Math.min(wanted.length, MAX_BLOCK_LENGTH_OF_CONNECTION);
    const place = await indexes.takeReserved(holder, wanted.expiresAt, length);
    const em = emFor(holder).fork();
    if (!(await insertConnectionLease(em, place, { length, clientId: holder, connectionId }))) {
      await requireHolder(em, holder);
      throw new ConnectionNotFoundError();
    }
    return blockAt(place, length);
  }
}

function blockAt({ list, expiresAt, start }: Place, length: number): Block {
  return { list, expiresAt, start, next: start, end: start + length };
}

/** The length of the block after `block`, which is not used up when its list takes no more tokens or it was revoked. */
function lengthAfter({ start, next, end }: Block, first: number): number {
  const [length, used] = [end - start, next - start];
  if (used === length) return length * 2;
  return used >= length / 2 ? length : Math.max(first, length / 2);
}

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

/** The connection was revoked or has expired, or its account was disabled or deleted. */
export class ConnectionNotFoundError extends Error {
  override readonly name = 'ConnectionNotFoundError';

  constructor() {
    super('the connection has ended: the person who allowed it has to sign in again');
  }
}
