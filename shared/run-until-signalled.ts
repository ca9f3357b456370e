/**
 * Runs a process: `start` puts what it opens on the stack, and SIGTERM or SIGINT closes it again in the reverse order;
 * so does the end of all work, as when the host of a stdio server closed its stdin and the last answer is written.
 * A second signal ends the process at once. When `start` fails, its message goes to stderr and the exit code is 1.
 */
export async function runUntilSignalled(start: (resources: AsyncDisposableStack) => Promise<void>): Promise<void> {
  const { promise: signalled, resolve } = Promise.withResolvers<void>();
  const stop = () => {
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
    process.stderr.write(`${describe(error)}\n`);
    process.exitCode = 1;
  } finally {
    stop();
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}\n  because: ${describe(error.cause)}`;
}
