import * as z from 'zod';
import { CORES, type Pin } from './find-pin.ts';
import type { LoadRequest } from './load-request.ts';
import { startBenchProcess } from './start-bench-process.ts';

/** The result of a load. `p99` is in milliseconds. */
export type LoadResult = { readonly requests: number; readonly perSecond: number; readonly p99: number };

/** A process that sends requests to a server. Disposing it ends it. */
export type Load = AsyncDisposable & {
  /**
   * Sends `request` repeatedly for `seconds`, or once with each of `bodies` if there are any.
   * @throws when a response is not 2xx.
   */
  readonly run: (
    request: LoadRequest,
    options: { seconds: number; bodies: readonly string[]; connections: number },
  ) => Promise<LoadResult>;
};

/** How long the process may take to send the result of a load that is over. */
const RESULT_TIMEOUT_MS = 20_000;

const AutocannonResult = z.object({
  '2xx': z.number().min(1),
  non2xx: z.literal(0),
  errors: z.literal(0),
  timeouts: z.literal(0),
  duration: z.number(),
  latency: z.object({ p99: z.number() }),
});

/**
 * Starts the process that sends the load. It is separate, so that the load does not use the CPU time of the server or of
 * the bench. It serves all rounds, because a new process is slow in its first second, and would be measured instead of
 * the server.
 */
export async function startLoad({ environment, pin }: { environment: NodeJS.ProcessEnv; pin: Pin }): Promise<Load> {
  const script = new URL('./load-process.ts', import.meta.url);
  const process = await startBenchProcess({ script, environment, core: CORES.load, pin });
  return {
    async run(request, { seconds, bodies, connections }) {
      const timeoutMs = seconds * 1000 + RESULT_TIMEOUT_MS;
      const result = AutocannonResult.parse(
        await process.request({ request, seconds, bodies, connections }, { timeoutMs }),
      );
      return {
        requests: result['2xx'],
        perSecond: result['2xx'] / result.duration,
        p99: result.latency.p99,
      };
    },
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  };
}
