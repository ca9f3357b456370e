import * as z from 'zod';
import { CORES, type Pin } from './find-pin.ts';
import type { LoadRequest } from './load-request.ts';
import { startBenchProcess } from './start-bench-process.ts';

/** What a load was answered. */
export type LoadResult = { readonly requests: number; readonly perSecond: number; readonly p99: number };

/** A process that sends requests. Disposing it ends it. */
export type Load = AsyncDisposable & {
  /** Sends `request` again and again for `seconds`. @throws when an answer is not 2xx. */
  readonly run: (request: LoadRequest, seconds: number) => Promise<LoadResult>;
};

const AutocannonResult = z.object({
  '2xx': z.number().min(1),
  non2xx: z.literal(0),
  errors: z.literal(0),
  timeouts: z.literal(0),
  duration: z.number(),
  latency: z.object({ p99: z.number() }),
});

/**
 * Starts the process that the load comes from: what it takes to ask must not be taken from who answers, nor from who
 * counts. It stays for all rounds, for a new one would be slow in its first second, and be measured instead of the server.
 */
export async function startLoad({ environment, pin }: { environment: NodeJS.ProcessEnv; pin: Pin }): Promise<Load> {
  const script = new URL('./load-process.ts', import.meta.url);
  const process = await startBenchProcess({ script, environment, core: CORES.load, pin });
  return {
    async run(request, seconds) {
      const answer = await process.ask({ request, seconds }, { patience: (seconds + 20) * 1000 });
      const result = AutocannonResult.parse(answer);
      return {
        requests: result['2xx'],
        perSecond: result['2xx'] / result.duration,
        p99: result.latency.p99,
      };
    },
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  };
}
