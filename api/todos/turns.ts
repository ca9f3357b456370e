/** Runs `work` when all that was to be run before it under this name has ended, however that ended. */
export type TakeTurn = <T>(name: string, work: () => Promise<T>) => Promise<T>;

/**
 * Creates the turns of work under names. What waits for its turn waits in memory: of those who would wait in the database,
 * each would keep a connection from everybody else.
 */
export function createTurns(): TakeTurn {
  const last = new Map<string, Promise<unknown>>();
  return function takeTurn(name, work) {
    const turn = (last.get(name) ?? Promise.resolve()).then(work);
    const ended = turn
      .catch(() => undefined)
      .then(() => {
        if (last.get(name) === ended) last.delete(name);
      });
    last.set(name, ended);
    return turn;
  };
}
