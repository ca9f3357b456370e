import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Pin } from './find-pin.ts';

/** A process of the bench's own that answers messages, one at a time. Disposing it ends it. */
export type BenchProcess = AsyncDisposable & {
  /** What it said first. */
  readonly greeting: unknown;
  /** Sends a message and resolves with the answer. @throws when the process ends or stays silent for `patience` milliseconds. */
  readonly ask: (message: string | object, options?: { patience?: number }) => Promise<unknown>;
};

/** Milliseconds that a process has to start, to answer, or to end. */
const PATIENCE = 20_000;

/** Starts a script on a core, and resolves once it has said something. */
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
    env: environment,
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    // out of reach of Ctrl-C: it ends in good order when it notices that the bench is gone
    detached: true,
  });
  const stderr: string[] = [];
  // told only when it fails: Koa also writes there that the load hung up in the middle of an answer
  child.stderr?.setEncoding('utf8').on('data', (text: string) => stderr.push(text));
  try {
    return {
      greeting: await nextMessage(child, PATIENCE),
      ask(message, { patience = PATIENCE } = {}) {
        child.send(message);
        return nextMessage(child, patience);
      },
      [Symbol.asyncDispose]: () => end(child),
    };
  } catch (cause) {
    await end(child);
    throw new Error(`${script.pathname} did not start:\n${stderr.join('')}`, { cause });
  }
}

async function nextMessage(child: ChildProcess, patience: number): Promise<unknown> {
  const settled = new AbortController();
  const signal = AbortSignal.any([settled.signal, AbortSignal.timeout(patience)]);
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
  const impatience = setTimeout(() => child.kill('SIGKILL'), PATIENCE);
  await exited;
  clearTimeout(impatience);
}
