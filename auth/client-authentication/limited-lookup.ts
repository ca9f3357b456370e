import { LRUCache } from 'lru-cache';
import { networkOf } from '../../shared/http/network-of.ts';
import type { Clients } from '../clients/clients.ts';

/** Limited attempts from one address, of clients that are not in the cache, may cause so many reads of the database in a second. */
const MAX_READS_PER_SECOND = 10;

/** Addresses that are counted at the same time. Beyond that, the ones that were idle longest are forgotten. */
const MAX_COUNTED = 10_000;

/** Whether the client of a limited attempt may be looked up, to compare its secret. Counts the read of the database. */
export type MayLookUpLimited = (attempt: { readonly clientId: string; readonly address: string }) => boolean;

/**
 * Creates the rule for every endpoint at which clients authenticate. A limited client is looked up, because a correct secret
 * is accepted while others have failed. A flood of made-up client ids must not read the database, so clients that are not in
 * the cache are looked up a few times a second only. Each address has reads of its own, so that a flood from another address
 * does not shut out a client with a correct secret.
 */
export function createLimitedLookup({ findCached }: Pick<Clients, 'findCached'>): MayLookUpLimited {
  const readsOf = new LRUCache<string, { readonly second: number; readonly reads: number }>({ max: MAX_COUNTED });

  return function mayLookUpLimited({ clientId, address }) {
    // a client that has failed is in the cache, unless it does not exist or has changed since
    if (findCached(clientId) !== undefined) return true;
    const network = networkOf(address);
    const second = Math.floor(Date.now() / 1000);
    const last = readsOf.get(network);
    const reads = last?.second === second ? last.reads + 1 : 1;
    readsOf.set(network, { second, reads });
    return reads <= MAX_READS_PER_SECOND;
  };
}
