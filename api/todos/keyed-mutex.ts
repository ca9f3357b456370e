import { ServiceUnavailableError } from '../../shared/http/http-error.ts';

/**
 * Runs `work` when all that was to be run before it under this name has ended, however that ended.
 * @throws {ServiceUnavailableError} when that took too long.
 */
export type KeyedMutex = <T>(name: string, work: () => Promise<T>) => Promise<T>;

/** Milliseconds that somebody waits for his turn, and then for what is running. */
const PATIENCE = 10_000;

/**
 * Creates the turns of work under names. What waits for its turn waits in memory: of those who would wait in the database,
 * each would keep a connection from everybody else.
 */
export function createKeyedMutex({ patience = PATIENCE }: { patience?: number } = {}): KeyedMutex {
  const last = new Map<string, Promise<unknown>>();
  return function runExclusive(name, work) {
    const since = performance.now();
    const turn = (last.get(name) ?? Promise.resolve()).then(() => {
      if (performance.now() - since > patience)
        throw new ServiceUnavailableError(
          'too_many_concurrent_writes',
          'Too many concurrent writes for this subject. Retry in 1 s.',
        );
      return work();
    });
    const ended = turn
      .catch(() => undefined)
      .then(() => {
        if (last.get(name) === ended) last.delete(name);
      });
    last.set(name, ended);
    return turn;
  };
}
