import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { getFreePort } from '../shared/testing/free-port.ts';
import { makeTemporaryDirectory } from '../shared/testing/temporary-directory.ts';
import { startProcess } from '../test/support/start-process.ts';
import { median } from './statistics.ts';

/** The number of times that each start is measured. */
const REPETITIONS = 3;

/** Milliseconds from the start to the measurement of the memory. */
const MEMORY_DELAY_MS = 1000;

const YATA = join(import.meta.dirname, '../yata.ts');

/** A start of the three services in one process. The memory is undefined on systems other than Linux. */
export type StartUp = { readonly milliseconds: number; readonly residentMegabytes: number | undefined };

/** Measures the first `npm start` in a fresh checkout, with an empty data directory, and the next one. */
export async function measureStartUps(): Promise<{ readonly first: StartUp; readonly next: StartUp }> {
  const first: StartUp[] = [];
  const next: StartUp[] = [];
  for (let repetition = 0; repetition < REPETITIONS; repetition++) {
    using directory = makeTemporaryDirectory();
    first.push(await startOnce(directory.path));
    next.push(await startOnce(directory.path));
  }
  return { first: medianStart(first), next: medianStart(next) };
}

async function startOnce(directory: string): Promise<StartUp> {
  const environment = {
    ...process.env,
    YATA_DATA_DIR: join(directory, 'data'),
    // `npm start` uses a compile cache too, which is empty in a fresh checkout
    NODE_COMPILE_CACHE: join(directory, 'compile-cache'),
    AUTH_PORT: String(await getFreePort()),
    API_PORT: String(await getFreePort()),
    MCP_PORT: String(await getFreePort()),
  };
  const startedAt = performance.now();
  await using yata = await startProcess([YATA, 'start'], environment, 'yata is up');
  const milliseconds = performance.now() - startedAt;
  await delay(MEMORY_DELAY_MS);
  const start = { milliseconds, residentMegabytes: residentMegabytes(yata.pid) };
  await yata.end('SIGTERM');
  return start;
}

function residentMegabytes(pid: number | undefined): number | undefined {
  if (process.platform !== 'linux') return undefined;
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) / 1024;
}

function medianStart(starts: readonly StartUp[]): StartUp {
  const known = starts.flatMap(({ residentMegabytes }) => residentMegabytes ?? []);
  return {
    milliseconds: median(starts.map(({ milliseconds }) => milliseconds)),
    residentMegabytes: known.length === 0 ? undefined : median(known),
  };
}
