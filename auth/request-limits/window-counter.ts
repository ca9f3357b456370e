import { LRUCache } from 'lru-cache';

/** Keys that are counted at the same time, so that strangers cannot fill the memory. The oldest are forgotten. */
const MAX_COUNTED = 10_000;

/** What is counted of a key until its window is over. */
export type Window = { count: number; isLogged: boolean };

/** Counts events in windows of time. A window of a key begins with its first event. */
export type WindowCounter = {
  /** Counts an event, and returns the window with it. */
  readonly count: (key: string) => Window;
  readonly find: (key: string) => Window | undefined;
  /** The milliseconds until the window of a key is over. */
  readonly remainingMs: (key: string) => number;
};

/** Creates a counter with windows of `windowMs` milliseconds, in the memory of this process. */
export function createWindowCounter(windowMs: number): WindowCounter {
  const windows = new LRUCache<string, Window>({
    max: MAX_COUNTED,
    ttl: windowMs,
    // looked up at each call, so that a test can move the clock
    perf: { now: () => performance.now() },
  });
  return {
    count(key) {
      const window = windows.get(key) ?? { count: 0, isLogged: false };
      if (window.count === 0) windows.set(key, window);
      window.count += 1;
      return window;
    },
    find: (key) => windows.get(key),
    remainingMs: (key) => windows.getRemainingTTL(key),
  };
}
