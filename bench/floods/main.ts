import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { findPostgresql } from '../find-postgresql.ts';
import { percentile99 } from '../statistics.ts';
import { renderTable } from '../table.ts';
import { FLOOD_NAMES, GROUPS } from './floods.ts';
import type { DatabaseKind } from './installation.ts';
import type { FloodResult } from './run-flood.ts';
import { type Memory, runGroup } from './run-group.ts';
import {
  DISABLE_LIMIT_MS,
  findMisses,
  findReason,
  HONEST_FACTOR,
  HONEST_FLOOR_MS,
  isMemoryReleased,
  MEMORY_FACTOR,
  milliseconds,
  REVOCATION_LIMIT_MS,
} from './verdict.ts';

const DATABASES: readonly DatabaseKind[] = ['embedded', 'postgresql'];

/** Ten thousand strangers, and everything else that one process has open. */
const MIN_OPEN_FILES = 12_000;

const COLUMNS = ['flood', 'list', 'create', 'token', 'mcp', 'revocation', 'by API', 'by command', 'audit', ''] as const;

/** Runs floods on one kind of database. Returns the number of conditions that did not hold. */
async function runFloods(kind: DatabaseKind, names: readonly string[]): Promise<number> {
  const rows: Partial<Record<(typeof COLUMNS)[number], string>>[] = [];
  const memories: string[] = [];
  let misses = 0;
  for (const [group, all] of Object.entries(GROUPS)) {
    const floods = Object.entries(all).filter(([name]) => names.includes(name));
    if (floods.length === 0) continue;
    const memory = await runGroup(kind, floods, (result, idle) => {
      print(`${kind}, ${result.name}: ${describeCounts(result)}`);
      const found = findMisses(result, idle).filter((miss) => isMissed(result.name, miss));
      misses += found.length;
      rows.push(createRow(result, found.length));
    });
    for (const measured of memory) {
      memories.push(describeMemory(group, measured));
      if (!isMemoryReleased(measured) && isMissed(group, `memory of ${measured.name}`)) misses += 1;
    }
  }
  print(`\n${kind}: p99 of the honest clients, p99 and longest delay of revocations, time to disable a client\n`);
  print(renderTable(COLUMNS, rows));
  print(`\nresident memory before the floods of a group, and a minute after the last of them\n`);
  print(`${memories.join('\n')}\n`);
  return misses;

  /** Prints a condition that did not hold, and returns whether it should have. */
  function isMissed(where: string, miss: string): boolean {
    const reason = findReason(kind, where, miss);
    print(reason === undefined ? `  MISSED ${miss}` : `  known: ${miss}: ${reason}`);
    return reason === undefined;
  }
}

function createRow({ name, honest, revocations, byApi, byCommand, audit }: FloodResult, misses: number) {
  const { delays } = revocations;
  return {
    flood: name,
    list: milliseconds(honest.p99.list),
    create: milliseconds(honest.p99.create),
    token: milliseconds(honest.p99.token),
    mcp: milliseconds(honest.p99.mcp),
    revocation:
      delays.length === 0
        ? 'none'
        : `${milliseconds(percentile99(delays))} / ${milliseconds(Math.max(...delays))} (${delays.length})`,
    'by API': byApi.failure === undefined ? milliseconds(byApi.milliseconds) : 'failed',
    'by command': byCommand.failure === undefined ? milliseconds(byCommand.milliseconds) : 'failed',
    audit: `${audit.stored} + ${audit.dropped} of ${audit.caused}`,
    '': misses === 0 ? '' : `MISSED ${misses}`,
  };
}

function describeCounts({ counts }: FloodResult): string {
  const parts = Object.entries(counts).map(([name, number]) => `${number.toLocaleString('en')} × ${name}`);
  return parts.length === 0 ? 'no flood' : parts.join(', ');
}

function describeMemory(group: string, { name, before, after }: Memory): string {
  return `  ${group}, ${name}: ${Math.round(before)} MB, then ${Math.round(after)} MB (× ${(after / before).toFixed(2)})`;
}

/** Node raises its own limit to the hard limit. */
function readOpenFilesLimit(): number {
  return Number(/^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]);
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { database: { type: 'string' } } });
  const kinds = DATABASES.filter((kind) => values.database === undefined || values.database === kind);
  if (kinds.length === 0 || !positionals.every((name) => FLOOD_NAMES.includes(name))) {
    process.stderr.write(
      `usage: npm run bench:floods [-- NAME …] [--database embedded|postgresql]\n\n  ${FLOOD_NAMES.join('\n  ')}\n`,
    );
    process.exitCode = 2;
    return;
  }
  if (process.platform !== 'linux')
    throw new Error('the floods need Linux: /proc, and the addresses 127.0.0.1 to 127.0.0.8');
  if (readOpenFilesLimit() < MIN_OPEN_FILES)
    throw new Error(
      `the floods need ${MIN_OPEN_FILES} open files: run prlimit --nofile=${MIN_OPEN_FILES}:${MIN_OPEN_FILES} --pid $$`,
    );
  const postgresql = await findPostgresql(process.env.DATABASE_URL || undefined);
  if (postgresql === undefined && kinds.includes('postgresql'))
    throw new Error('there is no PostgreSQL server at DATABASE_URL or 127.0.0.1:5432: use --database embedded');
  if (postgresql !== undefined) process.env.TEST_DATABASE_URL = postgresql.url;
  print(
    `Node ${process.versions.node} on ${availableParallelism()} cores, PostgreSQL ${postgresql?.version ?? 'not used'}. ` +
      `Conditions: no process dies; honest p99 ≤ ${HONEST_FACTOR} × idle${HONEST_FLOOR_MS > 0 ? ` or ${HONEST_FLOOR_MS} ms` : ''}; revocation p99 < ${REVOCATION_LIMIT_MS} ms; ` +
      `disabled within ${DISABLE_LIMIT_MS} ms; every audit event stored or counted as dropped; memory ≤ ${MEMORY_FACTOR} × before`,
  );
  let misses = 0;
  for (const kind of kinds) misses += await runFloods(kind, positionals.length > 0 ? positionals : FLOOD_NAMES);
  print(misses === 0 ? 'every condition held' : `${misses} conditions did not hold`);
  process.exitCode = misses === 0 ? 0 : 1;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

await main();
