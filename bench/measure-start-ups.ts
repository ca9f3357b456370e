import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { getFreePort } from '../shared/testing/free-port.ts';
import { makeTemporaryDirectory } from '../shared/testing/temporary-directory.ts';
import { median } from './statistics.ts';

/** How often each start is measured. */
const TIMES = 3;

/** Milliseconds that a start may take before it is given up. */
const PATIENCE = 30_000;

/** A start of the three services in one process; the memory is unknown where there is no /proc. */
export type StartUp = { readonly milliseconds: number; readonly residentMegabytes: number | undefined };

/** Measures `npm start`: the first in a fresh checkout, on an empty data directory, and the one after it. */
export async function measureStartUps(): Promise<{ readonly first: StartUp; readonly next: StartUp }> {
  const first: StartUp[] = [];
  const next: StartUp[] = [];
  for (let time = 0; time < TIMES; time++) {
    using directory = makeTemporaryDirectory();
    first.push(await startOnce(directory.path));
    next.push(await startOnce(directory.path));
  }
  return { first: middle(first), next: middle(next) };
}

async function startOnce(directory: string): Promise<StartUp> {
  const began = performance.now();
  const child = spawn(process.execPath, [join(import.meta.dirname, '../yata.ts'), 'start'], {
    env: {
      ...process.env,
      YATA_DATA_DIR: join(directory, 'data'),
      // `npm start` has one too, and a fresh checkout an empty one
      NODE_COMPILE_CACHE: join(directory, 'compile-cache'),
      AUTH_PORT: String(await getFreePort()),
      API_PORT: String(await getFreePort()),
      MCP_PORT: String(await getFreePort()),
    },
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: PATIENCE,
  });
  const exited = once(child, 'exit');
  try {
    let output = '';
    for await (const text of child.stdout.setEncoding('utf8')) {
      output += text;
      if (output.includes('yata is up')) break;
    }
    if (!output.includes('yata is up')) throw new Error('yata did not start');
    const milliseconds = performance.now() - began;
    await delay(1000);
    return { milliseconds, residentMegabytes: residentMegabytes(child.pid) };
  } finally {
    child.kill('SIGTERM');
    await exited;
  }
}

function residentMegabytes(pid: number | undefined): number | undefined {
  if (process.platform !== 'linux') return undefined;
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) / 1024;
}

function middle(starts: readonly StartUp[]): StartUp {
  const known = starts.flatMap(({ residentMegabytes }) => residentMegabytes ?? []);
  return {
    milliseconds: median(starts.map(({ milliseconds }) => milliseconds)),
    residentMegabytes: known.length === 0 ? undefined : median(known),
  };
}
