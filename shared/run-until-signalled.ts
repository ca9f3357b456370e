/** Milliseconds that a process has to end after a signal: the draining of its servers, and the closing of the rest. */
const END_WITHIN = 15_000;

/**
 * Runs a process: `start` puts what it opens on the stack, and SIGTERM or SIGINT closes it again in the reverse order;
 * so does the end of all work, as when the host of a stdio server closed its stdin and the last answer is written.
 * A second signal ends the process at once, and so do `endWithin` milliseconds after the first: a database that
 * answers nothing would keep it for good. When `start` fails, its message goes to stderr and the exit code is 1.
 */
export async function runUntilSignalled(
  start: (resources: AsyncDisposableStack) => Promise<void>,
  { endWithin = END_WITHIN }: { endWithin?: number } = {},
): Promise<void> {
  const { promise: signalled, resolve } = Promise.withResolvers<void>();
  const stop = (signal?: NodeJS.Signals | number) => {
    if (typeof signal === 'string') setTimeout(cutOff, endWithin, endWithin).unref();
    process.off('SIGTERM', stop).off('SIGINT', stop).off('beforeExit', stop);
    resolve();
  };
  process.on('SIGTERM', stop).on('SIGINT', stop).on('beforeExit', stop);
  try {
    await using resources = new AsyncDisposableStack();
    await start(resources);
    await signalled;
  } catch (error) {
    // what an operator can mend is said in a message; a stack would bury it
    process.stderr.write(`${describeError(error)}\n`);
    process.exitCode = 1;
  } finally {
    stop();
  }
}

function cutOff(endWithin: number): void {
  process.stderr.write(
    `The process did not end within ${endWithin / 1000} seconds: what was still running is cut off\n`,
  );
  process.exit(1);
}

/** An error and its causes in words for an operator. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // an error of several addresses has no message of its own
  const message = error.message || ('code' in error ? String(error.code) : error.name);
  // a cause that is no error is data, such as an answer, and may be anybody's
  return error.cause instanceof Error ? `${message}\n  because: ${describeError(error.cause)}` : message;
}
