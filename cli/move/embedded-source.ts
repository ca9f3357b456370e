import { setImmediate } from 'node:timers/promises';
import type { EmbeddedDatabase } from '../../shared/database/database.ts';
import type { OrmDefinition } from '../../shared/database/orm.ts';
import { applySessionSettings } from '../../shared/database/session-settings.ts';
import { listMigrations, listSequences, listTables, type Query, type Sequence, type Table } from './catalog.ts';
import { forEachPart, isIn, type Pages } from './pages.ts';
import { MOVE_TEXTS } from './texts.ts';

/** The embedded database, as a move reads it. */
export type Source = {
  readonly query: Query;
  /** The services that have data here. An installation of several processes has a data directory for each. */
  readonly definitions: readonly OrmDefinition[];
  readonly tables: readonly (Table & { readonly rows: number })[];
  readonly sequences: readonly (Sequence & { readonly next: string })[];
  /** Reads the rows of some pages in the text format of COPY, without generated columns. */
  readonly readRows: (table: Table, pages: Pages) => Promise<Buffer>;
};

/**
 * Lets `use` read the embedded database. All that it reads is of one moment, and the transaction can write nothing.
 * @throws {Error} when the database is not of this version of yata.
 */
export async function readSource<Result>(
  { pglite }: EmbeddedDatabase,
  known: readonly OrmDefinition[],
  use: (source: Source) => Promise<Result>,
): Promise<Result> {
  // both databases must write a row as the same text
  await applySessionSettings(pglite);
  return pglite.transaction(async (transaction) => {
    await transaction.query('set transaction isolation level repeatable read, read only');
    const query: Query = async <Row>(sql: string, values?: unknown[]) =>
      (await transaction.query<Row>(sql, values)).rows;
    const definitions = await findDefinitions(query, known);
    const tables = await listTables(query);
    const unknown = tables.find(({ schema }) => !definitions.some((definition) => definition.schema === schema));
    if (unknown !== undefined) throw new Error(MOVE_TEXTS.unknownTable(unknown.name));
    return use({
      query,
      definitions,
      tables: await Promise.all(tables.map(async (table) => ({ ...table, rows: await countRows(query, table) }))),
      sequences: await Promise.all(
        (await listSequences(query)).map(async (sequence) => ({ ...sequence, next: await findNext(query, sequence) })),
      ),
      async readRows({ name, columns }, pages) {
        const stored = columns.filter(({ generated }) => !generated).map((column) => column.name);
        const rows = `select ${stored.join(', ')} from ${name} where ${isIn(pages)}`;
        const { blob } = await transaction.query(`copy (${rows}) to '/dev/blob'`);
        return Buffer.from((await blob?.arrayBuffer()) ?? new ArrayBuffer());
      },
    });
  });
}

async function findDefinitions(query: Query, known: readonly OrmDefinition[]): Promise<OrmDefinition[]> {
  const found: OrmDefinition[] = [];
  for (const definition of known) {
    const executed = await listMigrations(query, definition.schema);
    if (executed === undefined) continue;
    const expected = definition.migrations.map(({ name }) => name);
    if (executed.some((name) => !expected.includes(name))) throw new Error(MOVE_TEXTS.newerSource());
    if (expected.some((name) => !executed.includes(name))) throw new Error(MOVE_TEXTS.olderSource());
    found.push(definition);
  }
  if (found.length === 0) throw new Error(MOVE_TEXTS.emptySource());
  return found;
}

/** Counts in parts: one statement for a large table would keep everything else waiting, and takes more memory. */
async function countRows(query: Query, table: Table): Promise<number> {
  let count = 0;
  await forEachPart(query, table, async (pages) => {
    const [row] = await query<{ rows: number }>(`select count(*)::int as rows from ${table.name} where ${isIn(pages)}`);
    count += row?.rows ?? 0;
    await setImmediate();
    return 0;
  });
  return count;
}

/** The next value of a sequence, which is beyond those that were used and deleted. */
async function findNext(query: Query, { name, increment }: Sequence): Promise<string> {
  const [row] = await query<{ next: string }>(
    `select (case when is_called then last_value::numeric + $1::numeric else last_value end)::text as next from ${name}`,
    [increment],
  );
  if (row === undefined) throw new Error(`the sequence ${name} has no value`);
  return row.next;
}
