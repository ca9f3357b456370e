import { ServiceUnavailableError } from '../../shared/http/http-error.ts';

/** A mutex for each key: tasks with the same key run one after another, in the order in which they came. */
export type KeyedMutex = {
  /**
   * Runs `task` after all earlier tasks with this key have ended, also if they failed.
   * @throws {ServiceUnavailableError} `too_many_concurrent_writes` when the earlier tasks take longer than the timeout.
   */
  readonly runExclusive: <T>(key: string, task: () => Promise<T>) => Promise<T>;
};

/** How long a task may wait for the earlier tasks with its key. It is checked when these have ended. */
const TIMEOUT_MS = 10_000;

/** Creates a keyed mutex. Its tasks wait in memory: if they waited for a lock in the database, each would hold a connection. */
export function createKeyedMutex({ timeoutMs = TIMEOUT_MS }: { timeoutMs?: number } = {}): KeyedMutex {
  const last = new Map<string, Promise<unknown>>();
  return {
    runExclusive(key, task) {
      const start = performance.now();
      const result = (last.get(key) ?? Promise.resolve()).then(() => {
        if (performance.now() - start > timeoutMs)
          throw new ServiceUnavailableError(
            'too_many_concurrent_writes',
            'Too many concurrent writes for this subject. Retry in 1 s.',
          );
        return task();
      });
      const ended = result
        .catch(() => undefined)
        .then(() => {
          if (last.get(key) === ended) last.delete(key);
        });
      last.set(key, ended);
      return result;
    },
  };
}
