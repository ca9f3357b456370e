import { LRUCache } from 'lru-cache';
import { networkOf } from '../shared/http/network-of.ts';

/** Networks that are counted at the same time, so that strangers cannot fill the memory. The oldest are forgotten. */
const MAX_COUNTED_NETWORKS = 10_000;

/** Counts a request from `address`. Returns the seconds to wait when its network sent too many. */
export type NetworkLimit = (address: string) => number | undefined;

/** Creates the limit of requests that anyone can send: `points` for each network in each window of `seconds`. */
export function createNetworkLimit({ points, seconds }: { points: number; seconds: number }): NetworkLimit {
  const counts = new LRUCache<string, { requests: number }>({
    max: MAX_COUNTED_NETWORKS,
    ttl: seconds * 1000,
    // looked up at each call, so that a test can move the clock
    perf: { now: () => performance.now() },
  });
  return function countRequest(address) {
    const network = networkOf(address);
    const count = counts.get(network) ?? { requests: 0 };
    if (count.requests === 0) counts.set(network, count);
    count.requests += 1;
    return count.requests > points ? Math.ceil(counts.getRemainingTTL(network) / 1000) : undefined;
  };
}
