import { setTimeout as delay } from 'node:timers/promises';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { OrmDefinition } from './orm.ts';

/** How long a process waits for the migrations of a job that was started together with it, and how often it looks. */
const TIMEOUT_MS = 60_000;
const INTERVAL_MS = 500;

/**
 * Waits until the migrations of `definition` have run. It changes nothing in the database, so the role of the process needs
 * no right to do so. Migrations of a later version are no obstacle: a process of this version may run beside it.
 * @throws {MigrationsPendingError} when they have not run after `timeout` milliseconds.
 */
export async function waitForMigrations(
  em: SqlEntityManager,
  definition: OrmDefinition,
  { timeout = TIMEOUT_MS }: { timeout?: number } = {},
): Promise<void> {
  const endsAt = performance.now() + timeout;
  for (;;) {
    const pending = await readPending(em, definition);
    if (pending.length === 0) return;
    if (performance.now() >= endsAt) throw new MigrationsPendingError(definition.schema, pending);
    await delay(INTERVAL_MS);
  }
}

async function readPending(em: SqlEntityManager, { schema, migrations }: OrmDefinition): Promise<string[]> {
  const table = `${schema}.migration`;
  const [{ exists = false } = {}] = await em.execute<{ exists?: boolean }[]>(
    'select to_regclass(?) is not null as "exists"',
    [table],
  );
  const rows = exists ? await em.execute<{ name: string }[]>(`select name from ${table}`) : [];
  const executed = new Set(rows.map(({ name }) => name));
  return migrations.map(({ name }) => name).filter((name) => !executed.has(name));
}

/** The schema of the database is older than this process, and nothing brings it up to date. */
class MigrationsPendingError extends Error {
  override readonly name = 'MigrationsPendingError';

  constructor(schema: string, pending: readonly string[]) {
    super(
      `The schema ${schema} is older than this version: ${pending.length} migrations have not run, from ${pending[0]} on. Run \`yata migrate\` of this version, or set MIGRATIONS=start.`,
    );
  }
}
