import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as z from 'zod';

/** The cost of a reader: bytes of memory, nanoseconds of a lookup, and the share of the lookups that found a revoked token. */
export type ReaderCost = z.infer<typeof ReaderCost>;
const ReaderCost = z.object({ bytes: z.number(), nanoseconds: z.number(), share: z.number() });

/** Measures what the status lists of a million access tokens, one in a hundred of them revoked, cost a reader. */
export async function measureReader(): Promise<ReaderCost> {
  const script = fileURLToPath(new URL('servers/status-list-memory.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', script]);
  return ReaderCost.parse(JSON.parse(stdout));
}
