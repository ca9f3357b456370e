import { existsSync, readFileSync } from 'node:fs';

/** What only Linux has. Node raises its own limit of open files to the highest that it may have before it runs a script. */
const LIMITS = '/proc/self/limits';

/** Files that a process has open besides the connections of its clients, such as connections to the database. */
const OTHER_FILES = 1_000;

/**
 * Returns how many connections of clients the limit of open files allows; infinity where there is no limit or it is not
 * known. A process that has used up its files for connections could not connect to its database.
 * @param limits the content of /proc/self/limits.
 */
export function countAllowedConnections(limits = existsSync(LIMITS) ? readFileSync(LIMITS, 'utf8') : ''): number {
  const files = Number(/^Max open files +(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY);
  // half of a low limit
  return Math.max(files - OTHER_FILES, Math.floor(files / 2));
}
