import { setTimeout as delay } from 'node:timers/promises';

/** Milliseconds between two attempts. */
const INTERVAL_MS = 50;

/**
 * Repeats `act` until it does not throw, and returns what it returned. It works in a test and in a program alike.
 * @throws the last error when `timeoutMs` milliseconds have passed.
 */
export async function waitFor<T>(act: () => T | Promise<T>, timeoutMs: number): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    try {
      return await act();
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
    await delay(INTERVAL_MS);
  }
}
