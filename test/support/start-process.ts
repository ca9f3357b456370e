import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { processEnvironment } from './process-environment.ts';

/** A process of yata, started as a user starts it. Disposing it kills it. */
export type RunningProcess = AsyncDisposable & {
  readonly pid: number | undefined;
  /** Returns everything that the process wrote to stdout and stderr so far. */
  readonly output: () => string;
  /** Sends a signal, waits for the end of the process, and returns its exit code or the signal that ended it. */
  readonly end: (signal: NodeJS.Signals) => Promise<number | NodeJS.Signals>;
  /** The exit code, or the signal that ended the process. */
  readonly ended: Promise<number | NodeJS.Signals>;
};

/** Milliseconds after which a process that is not ready is killed. */
const START_TIMEOUT_MS = 60_000;

/**
 * Starts `node ...args`, with `PATH` and `environment` as its environment and without a delay of its shutdown, and resolves
 * when its output contains `ready`.
 * @throws {Error} when the process ends before that, or is killed after a minute.
 */
export async function startProcess(
  args: string[],
  environment: NodeJS.ProcessEnv,
  ready: string,
): Promise<RunningProcess> {
  const child = spawn(process.execPath, args, {
    env: processEnvironment({ SHUTDOWN_DELAY: '0', ...environment }),
  });
  let [output, isReady] = ['', false];
  const started = Promise.withResolvers<void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk;
      if (isReady || !output.includes(ready)) return;
      isReady = true;
      started.resolve();
    });
  }
  const timeout = setTimeout(() => child.kill('SIGKILL'), START_TIMEOUT_MS);
  const ended = once(child, 'close').then(([code, signal]) => {
    started.reject(new Error(`node ${args.join(' ')} ended before it wrote ${JSON.stringify(ready)}:\n${output}`));
    return code ?? signal;
  });
  await started.promise.finally(() => clearTimeout(timeout));
  return {
    pid: child.pid,
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
