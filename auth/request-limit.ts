import { LRUCache } from 'lru-cache';
import { networkOf } from '../shared/http/network-of.ts';

/** Requests without a session that one network may send within the window: each stores a row. */
const MAX_REQUESTS = 60;
const WINDOW_MS = 600_000;
const MAX_COUNTED_NETWORKS = 10_000;

/**
 * Creates the limit of requests that store something and that anyone can send. It counts a request, and returns the seconds to
 * wait when there were too many.
 */
export function createRequestLimit(): (address: string) => number | undefined {
  const counts = new LRUCache<string, { requests: number }>({
    max: MAX_COUNTED_NETWORKS,
    ttl: WINDOW_MS,
    // looked up at each call, so that a test can move the clock
    perf: { now: () => performance.now() },
  });
  return function countRequest(address) {
    const network = networkOf(address);
    const count = counts.get(network) ?? { requests: 0 };
    if (count.requests === 0) counts.set(network, count);
    count.requests += 1;
    return count.requests > MAX_REQUESTS ? Math.ceil(counts.getRemainingTTL(network) / 1000) : undefined;
  };
}
