import { describeDatabase } from './connection-options.ts';

/** The error code of PostgreSQL for a database that does not exist (invalid_catalog_name). */
const INVALID_CATALOG_NAME = '3D000';

/** A process cannot connect to its database. The message names the variable, the server and the database. */
export class DatabaseConnectError extends Error {
  override readonly name = 'DatabaseConnectError';

  /** @param variable the variable that has the URL. */
  constructor(variable: string, url: string, cause: unknown) {
    const { database, server } = describeDatabase(url);
    super(
      isMissingDatabase(cause)
        ? `${variable}: the database ${database} does not exist at ${server}. Create it, or correct the name.`
        : `${variable}: cannot connect to the database ${database} at ${server}`,
      { cause },
    );
  }
}

function isMissingDatabase(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return ('code' in error && error.code === INVALID_CATALOG_NAME) || isMissingDatabase(error.cause);
}
