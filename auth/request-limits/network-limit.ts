import { networkOf } from '../../shared/http/network-of.ts';
import { createWindowCounter } from './window-counter.ts';

/** Counts a request from `address`. Returns the seconds to wait when its network sent too many. */
export type NetworkLimit = (address: string) => number | undefined;

/** Creates the limit of requests that anyone can send: `points` for each network in each window of `seconds`. */
export function createNetworkLimit({ points, seconds }: { points: number; seconds: number }): NetworkLimit {
  const requests = createWindowCounter(seconds * 1000);
  return function countRequest(address) {
    const network = networkOf(address);
    const { count } = requests.count(network);
    return count > points ? Math.ceil(requests.remainingMs(network) / 1000) : undefined;
  };
}
