import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** A process of ours, started as a user starts it. Disposing it kills it. */
export type RunningProcess = AsyncDisposable & {
  /** All that it wrote to stdout and stderr so far. */
  readonly output: () => string;
  /** Sends a signal and resolves with the exit code, or the signal that ended it. */
  readonly end: (signal: NodeJS.Signals) => Promise<number | NodeJS.Signals>;
  readonly ended: Promise<number | NodeJS.Signals>;
};

/** Starts `node ...args` and resolves when it has written `ready`. @throws when it ends before. */
export async function startProcess(
  args: string[],
  environment: Record<string, string>,
  ready: string,
): Promise<RunningProcess> {
  const child = spawn(process.execPath, args, { env: { PATH: process.env.PATH ?? '', ...environment } });
  let output = '';
  const written = Promise.withResolvers<void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk;
      if (output.includes(ready)) written.resolve();
    });
  }
  const ended = once(child, 'close').then(([code, signal]) => {
    written.reject(new Error(`node ${args.join(' ')} ended before it said ${JSON.stringify(ready)}:\n${output}`));
    return code ?? signal;
  });
  await written.promise;
  return {
    output: () => output,
    ended,
    async end(signal) {
      child.kill(signal);
      return ended;
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
