import * as z from 'zod';
import { CORES, type Pin } from './find-pin.ts';
import { LoadRequest } from './load-request.ts';
import { startBenchProcess } from './start-bench-process.ts';

/** A server in a process of its own. Disposing it ends the process. */
export type Contestant = AsyncDisposable & {
  readonly request: LoadRequest;
  /** The CPU time that the process has used so far, of all its threads. */
  readonly cpuMicroseconds: () => Promise<number>;
};

const CpuMessage = z.object({ cpuMicroseconds: z.number() });

/** Starts a script of bench/servers, and resolves once it listens. */
export async function startContestant(options: {
  script: URL;
  args: readonly string[];
  environment: NodeJS.ProcessEnv;
  pin: Pin;
}): Promise<Contestant> {
  const server = await startBenchProcess({ ...options, core: CORES.server });
  return {
    request: LoadRequest.parse(server.greeting),
    cpuMicroseconds: async () => CpuMessage.parse(await server.ask('cpu')).cpuMicroseconds,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
