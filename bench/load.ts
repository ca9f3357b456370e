import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as z from 'zod';
import type { LoadRequest } from './load-request.ts';
import { CORES, type Pin } from './pinning.ts';

/** What a load was answered. */
export type LoadResult = { readonly requests: number; readonly perSecond: number; readonly p99: number };

/** Connections that each send a request as soon as the last one is answered. */
export const CONNECTIONS = 32;

const AutocannonResult = z.object({
  '2xx': z.number().min(1),
  non2xx: z.literal(0),
  errors: z.literal(0),
  timeouts: z.literal(0),
  duration: z.number(),
  latency: z.object({ p99: z.number() }),
});

/** Sends `request` again and again for `seconds`. @throws when an answer is not 2xx. */
export async function runLoad(request: LoadRequest, { seconds, pin }: { seconds: number; pin: Pin }) {
  const [command = '', ...args] = pin(CORES.load, [
    process.execPath,
    // a process of its own: what it takes to ask must not be taken from who answers, nor from who counts
    fileURLToPath(import.meta.resolve('autocannon')),
    ...['--json', '--connections', String(CONNECTIONS), '--duration', String(seconds), '--method', request.method],
    ...Object.entries(request.headers).flatMap(([name, value]) => ['--headers', `${name}=${value}`]),
    ...(request.body === '' ? [] : ['--body', request.body]),
    request.url,
  ]);
  const { stdout } = await promisify(execFile)(command, args, { timeout: (seconds + 20) * 1000 });
  const result = AutocannonResult.parse(JSON.parse(stdout));
  return {
    requests: result['2xx'],
    perSecond: result['2xx'] / result.duration,
    p99: result.latency.p99,
  } satisfies LoadResult;
}
