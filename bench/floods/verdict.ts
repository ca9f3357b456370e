import { availableParallelism } from 'node:os';
import { percentile99 } from '../statistics.ts';
import type { HonestResult } from './honest-load.ts';
import type { DatabaseKind } from './installation.ts';
import type { Action } from './operator.ts';
import type { FloodResult } from './run-flood.ts';
import type { Memory } from './run-group.ts';

/** A revoked access token is rejected by api and mcp within this time, for 99 of 100 revocations. */
export const REVOCATION_LIMIT_MS = 250;

/** The requests of honest clients take at most so many times as long as without a flood, at the 99th percentile. */
export const HONEST_FACTOR = 5;

/**
 * Where the flood, its target and PostgreSQL share fewer than four cores, honest requests wait for a core as well. There they
 * may take this long in any case.
 */
export const HONEST_FLOOR_MS = availableParallelism() < 4 ? 150 : 0;

/** The operator disables a client within this time, at the first attempt. */
export const DISABLE_LIMIT_MS = 2000;

/** The resident memory a minute after the floods, as a multiple of that before. */
export const MEMORY_FACTOR = 1.2;

/** A condition that is known not to hold, and why. It is printed, and does not make the run fail. */
type KnownMiss = {
  readonly kinds: readonly DatabaseKind[];
  /** The floods; for the memory, the groups of floods. */
  readonly where: readonly string[];
  /** How the sentence begins that names the condition. */
  readonly miss: string;
  readonly reason: string;
};

const KNOWN_MISSES: readonly KnownMiss[] = [
  {
    kinds: ['embedded'],
    where: ['batches', 'import-long-todos'],
    miss: 'honest ',
    reason:
      'one transaction adds thousands of words to the index, which takes up to 0.9 s, and the embedded database runs one ' +
      'transaction at a time',
  },
  {
    kinds: ['postgresql'],
    where: ['connections'],
    miss: 'memory',
    reason:
      'Node keeps the memory of the most connections that it had: a plain node:http server grows from 61 to 298 MB with ' +
      '9,000 connections, stays there with 14 MB of objects, and does not grow when they come again',
  },
  {
    kinds: ['embedded', 'postgresql'],
    where: ['requests'],
    miss: 'memory',
    reason: 'the young generation of the heap grows under load, up to 134 MB, and Node does not make it smaller again',
  },
];

/** Returns why a condition is known not to hold; undefined when it should. */
export function findReason(kind: DatabaseKind, where: string, miss: string): string | undefined {
  return KNOWN_MISSES.find(
    (known) => known.kinds.includes(kind) && known.where.includes(where) && miss.startsWith(known.miss),
  )?.reason;
}

/** Returns a sentence for each condition that did not hold in a flood. */
export function findMisses(result: FloodResult, idle: HonestResult): string[] {
  const { honest, revocations, byApi, byCommand, audit, dead, failures } = result;
  const misses = [...dead, ...failures];
  for (const [kind, p99] of Object.entries(honest.p99)) {
    const limit = Math.max((idle.p99[kind] ?? 0) * HONEST_FACTOR, HONEST_FLOOR_MS);
    if (!(p99 <= limit))
      misses.push(`honest ${kind}: p99 of ${milliseconds(p99)}, expected at most ${milliseconds(limit)}`);
  }
  for (const [reason, number] of Object.entries(honest.failures)) misses.push(`honest: ${number} × ${reason}`);
  const p99 = percentile99(revocations.delays);
  if (!(p99 < REVOCATION_LIMIT_MS))
    misses.push(`revocation: p99 of ${milliseconds(p99)}, expected less than ${REVOCATION_LIMIT_MS} ms`);
  for (const [reason, number] of Object.entries(revocations.failures)) misses.push(`revocation: ${number} × ${reason}`);
  for (const [way, action] of Object.entries({ API: byApi, 'command line': byCommand }) as [string, Action][]) {
    const time = milliseconds(action.milliseconds);
    if (action.failure !== undefined) misses.push(`disable by the ${way} failed after ${time}: ${action.failure}`);
    else if (action.milliseconds > DISABLE_LIMIT_MS) misses.push(`disable by the ${way} took ${time}`);
  }
  const accounted = audit.stored + audit.dropped;
  if (!(accounted >= audit.caused && accounted <= audit.caused + audit.uncertain))
    misses.push(`audit: ${audit.caused} events caused, ${audit.stored} stored and ${audit.dropped} dropped`);
  return misses;
}

/** Whether a process has as little memory again as before the floods. */
export function isMemoryReleased({ before, after }: Memory): boolean {
  return after <= before * MEMORY_FACTOR;
}

/** Formats milliseconds. */
export function milliseconds(value = Number.NaN): string {
  return `${value < 10 ? value.toFixed(1) : Math.round(value).toLocaleString('en')} ms`;
}
