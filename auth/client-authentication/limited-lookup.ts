import type { Clients } from '../clients/clients.ts';

/** Limited attempts of clients that are not in the cache may cause so many reads of the database in a second. */
const MAX_READS_PER_SECOND = 10;

/** Whether the client of a limited attempt may be looked up, to compare its secret. Counts the read of the database. */
export type MayLookUpLimited = (clientId: string) => boolean;

/**
 * Creates the rule for every endpoint at which clients authenticate. A limited client is looked up, because a correct secret
 * is accepted while others have failed. A flood of made-up client ids must not read the database, so clients that are not in
 * the cache are looked up a few times a second only.
 */
export function createLimitedLookup({ findCached }: Pick<Clients, 'findCached'>): MayLookUpLimited {
  let second = 0;
  let reads = 0;

  return function mayLookUpLimited(clientId) {
    // a client that has failed is in the cache, unless it does not exist or has changed since
    if (findCached(clientId) !== undefined) return true;
    const now = Math.floor(Date.now() / 1000);
    if (now !== second) [second, reads] = [now, 0];
    reads += 1;
    return reads <= MAX_READS_PER_SECOND;
  };
}
