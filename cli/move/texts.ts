import { formatNumber, progressBar } from '../progress-bar.ts';

/** What has been moved: the tables with their rows, in the order of their names. */
export type MovedTables = readonly { readonly table: string; readonly rows: number }[];

/** The texts of `move`. */
export const MOVE_TEXTS = {
  copying: (done: number, total: number) => progress(done, total, 'copied'),
  verifying: (done: number, total: number) => progress(done, total, 'verified'),
  moved: (tables: MovedTables, seconds: number) => {
    const rows = tables.reduce((sum, table) => sum + table.rows, 0);
    const filled = tables.filter((table) => table.rows > 0);
    const width = Math.max(...filled.map((table) => formatNumber(table.rows).length));
    return [
      `Moved ${countRows(rows)} in ${formatNumber(seconds)} s, and verified each table in the PostgreSQL database:`,
      ...filled.map((table) => `  ${formatNumber(table.rows).padStart(width)}  ${table.table}`),
    ].join('\n');
  },
  next: (folder: string, variables: readonly string[]) =>
    [
      'What the new installation needs:',
      `- ${variables.join(' and ')}, with the URL of the database.`,
      '- The same YATA_DATA_DIR, or its files key-encryption-key (or AUTH_KEY_ENCRYPTION_KEY) and *-client.env. The database has the signing keys only encrypted.',
      '- The same AUTH_ISSUER, API_RESOURCE and MCP_RESOURCE. Otherwise the access tokens of before are not valid.',
      `The embedded database in ${folder} is as it was. Do not start yata with it again: it does not know what is revoked from now on. Delete it when the new installation works.`,
    ].join('\n'),
  noTarget: () => 'expected --to URL, or AUTH_DATABASE_URL and API_DATABASE_URL',
  emptyUrl: () => '--to is -, but stdin is empty',
  invalidUrl: (expected: string) => `--to: expected ${expected}`,
  missingVariable: (variable: string) =>
    `${variable} is not set, but the embedded database has data for it. Set it, or give one database for everything with --to.`,
  noSource: (folder: string) =>
    `There is no embedded database in ${folder}. Set YATA_DATA_DIR to the data directory of the installation that moves.`,
  emptySource: () => 'The embedded database has no tables of yata: yata was never started with it.',
  olderSource: () =>
    'The embedded database is of an older version of yata. Start this version with it once (`npm start`), stop it, and run `move` again. Or run `move` with the older version.',
  newerSource: () => 'The embedded database is of a newer version of yata. Run `move` with that version.',
  unknownTable: (table: string) =>
    `The embedded database has the table ${table}, which this version of yata does not know. Nothing was moved.`,
  newerTarget: (variable: string) =>
    `${variable}: the database has tables of a newer version of yata. Use an empty database. Nothing was moved.`,
  foreignTable: (variable: string, table: string) =>
    `${variable}: the database has the table ${table}, which yata did not create. Use another database. Nothing was moved.`,
  notEmpty: (variable: string, table: string) =>
    `${variable}: the table ${table} of the database has rows. Use an empty database, so that nothing is mixed or lost. Nothing was moved.`,
  notCreated: (variable: string, schema: string) =>
    `${variable}: the tables of the schema ${schema} cannot be created. Nothing was moved.`,
  differentTable: (variable: string, name: string) =>
    `${variable}: ${name} is not the same in the database as in the embedded database. Use an empty database. Nothing was moved.`,
  inUse: (variable: string) =>
    `${variable}: other processes use the tables of the database. Stop each yata that is connected to it. Nothing was moved.`,
  notVerified: (variable: string, table: string, expected: number, found: number) =>
    `${variable}: the rows of ${table} in the database are not those of the embedded database (${countRows(expected)} there, ${countRows(found)} here). Nothing was moved.`,
  failed: (variable: string) =>
    `${variable}: the move failed, and was rolled back. The database has no rows of it. Run the same command again when the cause is solved.`,
  unknownOutcome: (variable: string) =>
    `${variable}: the connection broke while the move was committed. Run the same command again. If it finds rows in the database, all rows are there, and are verified.`,
  halfCommitted: (done: string, failed: string) =>
    `The move to the database of ${done} is committed, and the move to that of ${failed} failed while it was committed. Drop the schemas auth and api in both databases, and run the same command again.`,
} as const;

function progress(done: number, total: number, verb: string): string {
  const share = total === 0 ? 1 : done / total;
  return `${progressBar(share)} ${formatNumber(done)} of ${countRows(total)} ${verb}`;
}

function countRows(count: number): string {
  return count === 1 ? '1 row' : `${formatNumber(count)} rows`;
}
