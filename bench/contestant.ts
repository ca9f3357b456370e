import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { LoadRequest } from './load-request.ts';
import { CORES, type Pin } from './pinning.ts';

/** A server in a process of its own. Disposing it ends the process. */
export type Contestant = AsyncDisposable & {
  readonly request: LoadRequest;
  /** The CPU time that the process has used so far, of all its threads. */
  readonly cpuMicroseconds: () => Promise<number>;
};

/** Milliseconds that a server has to start, or to answer a message. */
const PATIENCE = 20_000;

/** Starts a script of bench/servers, and resolves once it listens. */
export async function startContestant({
  script,
  args,
  environment,
  pin,
}: {
  script: URL;
  args: readonly string[];
  environment: NodeJS.ProcessEnv;
  pin: Pin;
}): Promise<Contestant> {
  const [command = '', ...rest] = pin(CORES.server, [process.execPath, fileURLToPath(script), ...args]);
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
    const request = LoadRequest.parse(await nextMessage(child));
    return {
      request,
      async cpuMicroseconds() {
        child.send('cpu');
        return CpuMessage.parse(await nextMessage(child)).cpuMicroseconds;
      },
      [Symbol.asyncDispose]: () => end(child),
    };
  } catch (cause) {
    await end(child);
    throw new Error(`${script.pathname} did not start:\n${stderr.join('')}`, { cause });
  }
}

const CpuMessage = z.object({ cpuMicroseconds: z.number() });

async function nextMessage(child: ChildProcess): Promise<unknown> {
  const settled = new AbortController();
  const signal = AbortSignal.any([settled.signal, AbortSignal.timeout(PATIENCE)]);
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
