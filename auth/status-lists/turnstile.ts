/** Resolves when it is the caller's turn. Callers get their turns in the order of their calls. */
export type Turnstile = () => Promise<void>;

/**
 * Creates a turnstile that lets `perTurn` callers continue in each turn of the event loop. Between two turns the process
 * handles other requests, however many callers queue.
 */
export function createTurnstile(perTurn: number): Turnstile {
  let queue: (() => void)[] = [];

  return () =>
    new Promise((resolve) => {
      queue.push(resolve);
      if (queue.length === 1) setImmediate(letContinue);
    });

  function letContinue(): void {
    const callers = queue;
    queue = callers.splice(perTurn);
    for (const resolve of callers) resolve();
    if (queue.length > 0) setImmediate(letContinue);
  }
}
