import { existsSync, readFileSync } from 'node:fs';

/**
 * The limits of this process. Only Linux has this file. Before Node runs a script, it raises its limit of open files as far as it
 * may.
 */
const LIMITS = '/proc/self/limits';

/** Files that a process has open besides the connections of its clients, such as connections to the database. */
const OTHER_FILES = 1_000;

/**
 * Returns how many connections of clients the limit of open files allows each server of this process; infinity where there
 * is no limit or it is not known. A process that has used up its files for connections could not connect to its database.
 * @param servers the servers of this process, which share its open files.
 * @param limits the content of /proc/self/limits.
 */
export function countAllowedConnections(
  servers: number,
  limits = existsSync(LIMITS) ? readFileSync(LIMITS, 'utf8') : '',
): number {
  const files = Number(/^Max open files +(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY);
  // half of a low limit
  const allowed = Math.max(files - OTHER_FILES, files / 2);
  return Math.max(1, Math.floor(allowed / servers));
}
