import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** A process of yata, started as a user starts it. Disposing it kills it. */
export type RunningProcess = AsyncDisposable & {
  /** Returns everything that the process wrote to stdout and stderr so far. */
  readonly output: () => string;
  /** Sends a signal, waits for the end of the process, and returns its exit code or the signal that ended it. */
  readonly end: (signal: NodeJS.Signals) => Promise<number | NodeJS.Signals>;
  /** The exit code, or the signal that ended the process. */
  readonly ended: Promise<number | NodeJS.Signals>;
};

/** Starts `node ...args` and resolves when its output contains `ready`. @throws {Error} when it ends before that. */
export async function startProcess(
  args: string[],
  environment: Record<string, string>,
  ready: string,
): Promise<RunningProcess> {
  const child = spawn(process.execPath, args, { env: { PATH: process.env.PATH ?? '', ...environment } });
  let output = '';
  const started = Promise.withResolvers<void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk;
      if (output.includes(ready)) started.resolve();
    });
  }
  const ended = once(child, 'close').then(([code, signal]) => {
    started.reject(new Error(`node ${args.join(' ')} ended before it wrote ${JSON.stringify(ready)}:\n${output}`));
    return code ?? signal;
  });
  await started.promise;
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
