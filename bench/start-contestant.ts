import * as z from 'zod';
import { CORES, type Pin } from './find-pin.ts';
import { LoadRequest } from './load-request.ts';
import { startBenchProcess } from './start-bench-process.ts';

/** A server in a child process. Disposing it ends the process. */
export type Contestant = AsyncDisposable & {
  readonly request: LoadRequest;
  /** Reads the CPU time that all threads of the process have used so far. */
  readonly cpuMicroseconds: () => Promise<number>;
  /** Makes `count` bodies for a request whose body can be sent only once. */
  readonly prepare: (count: number) => Promise<readonly string[]>;
};

/** Making them takes much longer than sending them. */
const PREPARE_TIMEOUT_MS = 120_000;

const CpuMessage = z.object({ cpuMicroseconds: z.number() });

/** Starts a script in bench/servers, and resolves when it listens. */
export async function startContestant(options: {
  script: URL;
  args: readonly string[];
  environment: NodeJS.ProcessEnv;
  pin: Pin;
}): Promise<Contestant> {
  const server = await startBenchProcess({ ...options, core: CORES.server });
  return {
    request: LoadRequest.parse(server.firstMessage),
    cpuMicroseconds: async () => CpuMessage.parse(await server.request('cpu')).cpuMicroseconds,
    prepare: async (count) =>
      z.array(z.string()).parse(await server.request({ prepare: count }, { timeoutMs: PREPARE_TIMEOUT_MS })),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
