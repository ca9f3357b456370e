import type { Logger } from 'pino';
import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible';
import type { ObservePool } from '../database/observe-pools.ts';
import { openPointStore } from './point-store.ts';

/** The points that a key has used since its count began. `msBeforeNext` is the time until the count begins again. */
export type Usage = Pick<RateLimiterRes, 'consumedPoints' | 'remainingPoints' | 'msBeforeNext'>;

/** Counts points: at most `limit` within `seconds`, which begin with the first point of a key. */
export type PointCounter = AsyncDisposable & {
  readonly limit: number;
  readonly seconds: number;
  /** Adds points to those of `key`. It never rejects: without its store a process counts alone. */
  readonly add: (key: string, points: number) => Promise<Usage>;
};

/** How long a request waits for the store: much less than its client waits for the response. */
const STORE_TIMEOUT_MS = 1_000;

/** The time between attempts to reach the store again. No request waits for them. */
const RETRY_INTERVAL_MS = 1_000;

/**
 * Opens a counter of points. With the `url` of a store, all processes that use this store count together. Without it, or
 * while the store is unreachable, each process counts in its own memory. That the store is unreachable is logged once, and
 * until it answers again no request waits for it.
 */
export async function openPointCounter({
  limit,
  seconds = 60,
  url,
  logger,
  observe,
}: {
  limit: number;
  seconds?: number;
  url?: string | undefined;
  logger: Logger;
  /** Called with the pool of connections, if the store is a PostgreSQL database. */
  observe?: ObservePool;
}): Promise<PointCounter> {
  const options = { points: limit, duration: seconds };
  const memory = new RateLimiterMemory({ ...options, keyPrefix: '' });
  // counts like `consume`, but throws no exception for a key without points
  const addAlone = (key: string, points: number) => memory.penalty(key, points);
  if (url === undefined) return { limit, seconds, add: addAlone, [Symbol.asyncDispose]: async () => {} };

  const store = await openPointStore(url, options, observe);
  let reachable = true;
  let retrying: NodeJS.Timeout | undefined;
  let disposed = false;
  await prepare().catch(countAlone);

  return {
    limit,
    seconds,
    add: (key, points) => (reachable ? addToStore(key, points) : addAlone(key, points)),
    async [Symbol.asyncDispose]() {
      disposed = true;
      clearTimeout(retrying);
      await store[Symbol.asyncDispose]();
    },
  };

  async function addToStore(key: string, points: number): Promise<Usage> {
    try {
      return await withinTimeout(store.add(key, points));
    } catch (error) {
      countAlone(error);
      return addAlone(key, points);
    }
  }

  function prepare(): Promise<void> {
    return withinTimeout(store.prepare());
  }

  function countAlone(err: unknown): void {
    if (!reachable || disposed) return;
    reachable = false;
    logger.warn(
      { event: 'rate_limit.store_unreachable', err },
      'cannot reach the store of the rate limit (RATE_LIMIT_URL), this process counts alone until it answers',
    );
    retryLater();
  }

  function retryLater(): void {
    if (disposed) return;
    retrying = setTimeout(() => {
      prepare().then(() => {
        reachable = true;
      }, retryLater);
    }, RETRY_INTERVAL_MS).unref();
  }
}

async function withinTimeout<T>(work: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer within ${STORE_TIMEOUT_MS} ms`)), STORE_TIMEOUT_MS);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
