import pg from 'pg';
import { DatabaseConnectError } from '../../shared/database/connect-error.ts';
import { createConnectionOptions } from '../../shared/database/connection-options.ts';
import { copyRows } from '../../shared/database/copy-rows.ts';
import { openSocketWithIdleTimeout } from '../../shared/database/idle-timeout.ts';
import { type OrmDefinition, openOrm } from '../../shared/database/orm.ts';
import { applySessionSettings } from '../../shared/database/session-settings.ts';
import { hasRows, listMigrations, listSequences, listTables, type Query, type Table } from './catalog.ts';
import type { Source } from './embedded-source.ts';
import { MOVE_TEXTS } from './texts.ts';

const CONNECT_TIMEOUT_MS = 10_000;

/** How long the server may send nothing. A statement of a move is about four megabytes of rows at most, or one commit. */
const ANSWER_TIMEOUT_MS = 300_000;

/** How long another process may use the tables of the target. */
const LOCK_TIMEOUT_MS = 10_000;

/** How long the connection may be without a statement while another target is filled. */
const SILENCE_MS = 30_000;

/** A PostgreSQL database to which schemas move. */
export type Target = AsyncDisposable & {
  /** The option or the variable that has the URL. */
  readonly variable: string;
  readonly url: string;
  readonly definitions: readonly OrmDefinition[];
  readonly query: Query;
  readonly has: (part: { readonly schema: string }) => boolean;
  readonly writeRows: (table: Table, rows: Buffer) => Promise<void>;
  /** Sends a statement if there was none for some time, so that nothing between yata and the server ends the connection. */
  readonly keepAlive: () => Promise<void>;
};

/** Connects to a database with one connection. @throws {DatabaseConnectError} */
export async function openTarget({
  variable,
  url,
  definitions,
}: Pick<Target, 'variable' | 'url' | 'definitions'>): Promise<Target> {
  const client = new pg.Client({
    ...createConnectionOptions(url),
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    stream: () => openSocketWithIdleTimeout(ANSWER_TIMEOUT_MS),
  });
  // the statement that is under way is rejected too; without this the process would end
  client.on('error', () => undefined);
  await client.connect().catch((cause) => {
    throw new DatabaseConnectError(variable, url, cause);
  });
  let used = performance.now();
  const query: Query = async <Row extends object>(sql: string, values?: unknown[]) => {
    const { rows } = await client.query<Row>(sql, values);
    used = performance.now();
    return rows;
  };
  await applySessionSettings(client);
  // limits that the operator has set for the requests of yata would end a move
  await query(
    `select set_config(name, '0', false) from pg_settings
     where name in ('statement_timeout', 'transaction_timeout', 'idle_in_transaction_session_timeout')`,
  );
  return {
    variable,
    url,
    definitions,
    query,
    has: ({ schema }) => definitions.some((definition) => definition.schema === schema),
    async writeRows({ name, columns }, rows) {
      const stored = columns.filter(({ generated }) => !generated).map((column) => column.name);
      await copyRows(client, `copy ${name} (${stored.join(', ')}) from stdin`, rows);
      used = performance.now();
    },
    async keepAlive() {
      if (performance.now() - used > SILENCE_MS) await query('select 1');
    },
    [Symbol.asyncDispose]: () => client.end(),
  };
}

/**
 * Checks that a move may fill a target. Tables without rows may be there already, of a move that was interrupted.
 * @throws {Error} when the target has rows, or tables that yata did not create.
 */
export async function checkTarget(target: Target): Promise<void> {
  const { query, variable, definitions } = target;
  const tables = (await listTables(query)).filter(target.has);
  for (const { schema, migrations } of definitions) {
    const executed = await listMigrations(query, schema);
    const expected = migrations.map(({ name }) => name);
    if (executed?.some((name) => !expected.includes(name))) throw new Error(MOVE_TEXTS.newerTarget(variable));
    const foreign = executed === undefined ? tables.find((table) => table.schema === schema) : undefined;
    if (foreign !== undefined) throw new Error(MOVE_TEXTS.foreignTable(variable, foreign.name));
  }
  await requireEmpty(target, tables);
}

/** Creates the tables of a target with the migrations of this version. */
export async function createTables({ url, variable, definitions }: Target): Promise<void> {
  for (const definition of definitions) {
    try {
      await using _orm = await openOrm({ kind: 'postgresql', url }, definition, { poolSize: 3 });
    } catch (cause) {
      throw new Error(MOVE_TEXTS.notCreated(variable, definition.schema), { cause });
    }
  }
}

/**
 * Begins the transaction of a move: it locks the tables, so that no process of yata reads or writes them before the move is
 * committed, and keeps their triggers from sending a notification for each row.
 * @throws {Error} when the tables are in use, have rows, or are not those of the source.
 */
export async function beginMove(target: Target, source: Pick<Source, 'tables' | 'sequences'>): Promise<void> {
  const { query, variable } = target;
  const expected = source.tables.filter(target.has);
  await query('begin');
  await query(`set local lock_timeout = ${LOCK_TIMEOUT_MS}`);
  const tables = (await listTables(query)).filter(target.has);
  const different = findDifferent(expected, tables);
  if (different !== undefined) throw new Error(MOVE_TEXTS.differentTable(variable, different));
  const sequences = (await listSequences(query)).filter(target.has);
  const missing = findDifferent(
    source.sequences.filter(target.has).map(({ name }) => ({ name })),
    sequences.map(({ name }) => ({ name })),
  );
  if (missing !== undefined) throw new Error(MOVE_TEXTS.differentTable(variable, missing));
  try {
    await query(`lock table ${tables.map(({ name }) => name).join(', ')} in access exclusive mode`);
  } catch (cause) {
    const isLocked = cause instanceof pg.DatabaseError && cause.code === LOCK_NOT_AVAILABLE;
    throw isLocked ? new Error(MOVE_TEXTS.inUse(variable), { cause }) : cause;
  }
  await requireEmpty(target, tables);
  // of the user: PostgreSQL's own check foreign keys, and only a superuser may disable them
  for (const { name } of tables) await query(`alter table ${name} disable trigger user`);
}

/** Enables the triggers again, lets the sequences go on where those of the source are, and counts rows for the planner. */
export async function finishTables(target: Target, source: Pick<Source, 'tables' | 'sequences'>): Promise<void> {
  const { query } = target;
  for (const { name } of source.tables.filter(target.has)) {
    await query(`alter table ${name} enable trigger user`);
    await query(`analyze ${name}`);
  }
  // not setval, which a rollback would leave
  for (const { name, next } of source.sequences.filter(target.has))
    await query(`alter sequence ${name} restart with ${next}`);
}

/** lock_not_available */
const LOCK_NOT_AVAILABLE = '55P03';

async function requireEmpty({ query, variable }: Target, tables: readonly Table[]): Promise<void> {
  for (const table of tables)
    if (await hasRows(query, table)) throw new Error(MOVE_TEXTS.notEmpty(variable, table.name));
}

/** Finds the name of something that is in one list alone, or is not the same in both. */
function findDifferent(
  first: readonly (Pick<Table, 'name'> & Partial<Table>)[],
  second: readonly (Pick<Table, 'name'> & Partial<Table>)[],
): string | undefined {
  const describe = ({ name, columns }: Pick<Table, 'name'> & Partial<Table>) => JSON.stringify([name, columns]);
  const [left, right] = [first, second].map((list) => new Set(list.map(describe)));
  const differs = (other: Set<string> | undefined) => (item: Pick<Table, 'name'>) => !other?.has(describe(item));
  return (first.find(differs(right)) ?? second.find(differs(left)))?.name;
}
