import * as z from 'zod';
import { type BenchProcess, startBenchProcess } from '../start-bench-process.ts';
import { percentile99 } from '../statistics.ts';
import type { HonestTarget } from './honest-clients.ts';

/** What the honest clients measured: the 99th percentile of each kind of request in milliseconds, and what failed. */
export type HonestResult = {
  readonly p99: Readonly<Record<string, number>>;
  readonly failures: Readonly<Record<string, number>>;
};

/** The honest clients, in a process of their own. Disposing it ends the process. */
export type HonestLoad = AsyncDisposable & {
  readonly begin: () => Promise<void>;
  readonly end: () => Promise<HonestResult>;
};

const HonestMessage = z.object({
  milliseconds: z.record(z.string(), z.array(z.number())),
  failures: z.record(z.string(), z.number()),
});

/** Starts the honest clients. They send nothing until `begin`. */
export async function startHonestLoad(target: HonestTarget): Promise<HonestLoad> {
  const script = new URL('./honest-process.ts', import.meta.url);
  const clients: BenchProcess = await startBenchProcess({
    ...{ script, environment: process.env, core: 0 },
    pin: (_core, command) => command,
  });
  await clients.request({ order: 'open', target });
  return {
    async begin() {
      await clients.request({ order: 'begin' });
    },
    async end() {
      const { milliseconds, failures } = HonestMessage.parse(await clients.request({ order: 'end' }));
      const p99 = Object.entries(milliseconds).map(([kind, values]) => [kind, percentile99(values)]);
      return { p99: Object.fromEntries(p99), failures };
    },
    [Symbol.asyncDispose]: () => clients[Symbol.asyncDispose](),
  };
}
