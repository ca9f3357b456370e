import { setPriority } from 'node:os';
import {
  openScaledInstallation,
  type ScaledOptions,
  type ServiceName,
} from '../../test/support/open-scaled-installation.ts';
import { findPostgresqlPrograms, openPostgresql, type PostgresqlServer } from '../../test/support/start-postgresql.ts';

export const SERVICES: readonly ServiceName[] = ['auth', 'api', 'mcp'];

/** Two auth, two api and two mcp behind nginx, on a PostgreSQL server of their own. Disposing it ends everything. */
export type Installation = Awaited<ReturnType<typeof openScaledInstallation>> & {
  readonly postgresql: PostgresqlServer;
};

/** The processes of each service. */
export const INSTANCES = 2;

/** Below the priority of other programs, so that the machine stays usable. */
const NICENESS = 5;

/** Characters of a log line that are shown. */
const MAX_LINE_LENGTH = 700;

/** Opens an installation with all its processes ready. */
export async function openInstallation(options: ScaledOptions = {}): Promise<Installation> {
  setPriority(NICENESS);
  const programs = findPostgresqlPrograms();
  if (programs === undefined) throw new Error('expected a PostgreSQL server below /usr/lib/postgresql');
  await using opening = new AsyncDisposableStack();
  const postgresql = opening.use(await openPostgresql(programs));
  const scaled = opening.use(await openScaledInstallation(postgresql.url, options));
  await Promise.all([...SERVICES, ...SERVICES].map((service) => scaled.start(service)));
  const opened = opening.move();
  return { ...scaled, postgresql, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/** A warning or worse that the processes logged: how often, and the first of them. */
type Warning = { readonly count: number; readonly first: string };

/** Counts what the processes logged as a warning or worse since `since`, by service and event. */
export function countWarnings(
  installation: Pick<Installation, 'everStarted'>,
  since: number,
): ReadonlyMap<string, Warning> {
  const warnings = new Map<string, Warning>();
  for (const { service, process } of installation.everStarted()) {
    for (const line of process.output().split('\n')) {
      if (!/"level":[456]0/.test(line) || Number(/"time":(\d+)/.exec(line)?.[1]) < since) continue;
      const name = `${service} ${/"event":"([^"]*)"/.exec(line)?.[1] ?? ''}`;
      const known = warnings.get(name) ?? { count: 0, first: line.slice(0, MAX_LINE_LENGTH) };
      warnings.set(name, { ...known, count: known.count + 1 });
    }
  }
  return warnings;
}
