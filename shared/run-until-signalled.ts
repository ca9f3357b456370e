import { createShutdown, type Shutdown } from './shutdown.ts';

/** How long a process may take to stop after a signal and the delay of its shutdown. */
const SHUTDOWN_TIMEOUT_MS = 15_000;

/**
 * Runs a process. `start` adds what it opens to the stack; SIGTERM, after the delay that `start` has set, or SIGINT disposes
 * the stack in reverse order. The stack is also disposed when the process has no work left, for example when the host of a
 * stdio server has closed its stdin. A second signal ends the process at once. So does `shutdownTimeout` milliseconds after the first, because a database
 * that does not answer could block the shutdown forever. If `start` fails, its message goes to stderr and the exit code
 * is 1.
 */
export async function runUntilSignalled(
  start: (resources: AsyncDisposableStack, shutdown: Shutdown) => Promise<void>,
  { shutdownTimeout = SHUTDOWN_TIMEOUT_MS }: { shutdownTimeout?: number } = {},
): Promise<void> {
  const { promise: signalled, resolve } = Promise.withResolvers<void>();
  const shutdown = createShutdown();
  const stop = (signal?: NodeJS.Signals | number) => {
    process.off('SIGTERM', stop).off('SIGINT', stop).off('beforeExit', stop);
    if (typeof signal !== 'string') return resolve();
    shutdown.begin(signal).then(() => {
      setTimeout(forceExit, shutdownTimeout, shutdownTimeout).unref();
      resolve();
    });
  };
  process.on('SIGTERM', stop).on('SIGINT', stop).on('beforeExit', stop);
  try {
    await using resources = new AsyncDisposableStack();
    await start(resources, shutdown);
    await signalled;
  } catch (error) {
    // an operator needs the message; a stack would hide it
    process.stderr.write(`${describeError(error)}\n`);
    process.exitCode = 1;
  } finally {
    stop();
  }
}

function forceExit(shutdownTimeout: number): void {
  process.stderr.write(
    `The process did not stop within ${shutdownTimeout / 1000} seconds and was ended. Unfinished requests are lost.\n`,
  );
  process.exit(1);
}

/** Describes an error and its causes for an operator. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // an AggregateError of several addresses has no message of its own
  const message = error.message || ('code' in error ? String(error.code) : error.name);
  // a cause that is not an error is data, such as a response, and may contain untrusted text
  return error.cause instanceof Error ? `${message}\n  because: ${describeError(error.cause)}` : message;
}
