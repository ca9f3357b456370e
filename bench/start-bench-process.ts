import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Pin } from './find-pin.ts';

/** A child process of the bench that answers messages, one at a time. Disposing it ends it. */
export type BenchProcess = AsyncDisposable & {
  /** The first message of the process. */
  readonly firstMessage: unknown;
  /** Sends a message and resolves with the response. @throws when the process ends, or sends none for `timeoutMs`. */
  readonly request: (message: string | object, options?: { timeoutMs?: number }) => Promise<unknown>;
};

/** How long a process may take to start, to respond, or to end. */
const TIMEOUT_MS = 20_000;

/** Starts a script, pinned to a core, and resolves when it has sent its first message. @throws when it sends none. */
export async function startBenchProcess({
  script,
  args = [],
  environment,
  core,
  pin,
}: {
  script: URL;
  args?: readonly string[];
  environment: NodeJS.ProcessEnv;
  core: number;
  pin: Pin;
}): Promise<BenchProcess> {
  const [command = '', ...rest] = pin(core, [process.execPath, fileURLToPath(script), ...args]);
  const child = spawn(command, rest, {
    env: { SHUTDOWN_DELAY: '0', ...environment },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    // Ctrl-C does not reach a detached process, so that it can clean up when it notices that the bench has ended
    detached: true,
  });
  const stderr: string[] = [];
  // printed only when the start fails: Koa also writes to stderr when the load closes a connection during a response
  child.stderr?.setEncoding('utf8').on('data', (text: string) => stderr.push(text));
  try {
    return {
      firstMessage: await nextMessage(child, TIMEOUT_MS),
      request(message, { timeoutMs = TIMEOUT_MS } = {}) {
        child.send(message);
        return nextMessage(child, timeoutMs);
      },
      [Symbol.asyncDispose]: () => end(child),
    };
  } catch (cause) {
    await end(child);
    throw new Error(`${script.pathname} did not start:\n${stderr.join('')}`, { cause });
  }
}

async function nextMessage(child: ChildProcess, timeoutMs: number): Promise<unknown> {
  const settled = new AbortController();
  const signal = AbortSignal.any([settled.signal, AbortSignal.timeout(timeoutMs)]);
  const message = once(child, 'message', { signal }).then(([value]) => value);
  const failure = once(child, 'exit', { signal }).then(([code]) => {
    throw new Error(`the process ended with ${code}`);
  });
  try {
    return await Promise.race([message, failure]);
  } finally {
    settled.abort();
    await Promise.allSettled([message, failure]);
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const timeout = setTimeout(() => child.kill('SIGKILL'), TIMEOUT_MS);
  await exited;
  clearTimeout(timeout);
}
