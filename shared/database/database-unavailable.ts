/**
 * Whether `error`, or one of its causes, means that the database cannot be reached, answers too slowly, or has too many
 * requests. The request may be retried later.
 */
export function isDatabaseUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, syscall } = error as { code?: unknown; syscall?: unknown };
  if (typeof code === 'string' && CODES.test(code)) return true;
  // a server that is stopped has removed its Unix socket
  if (code === 'ENOENT' && syscall === 'connect') return true;
  // MikroORM puts the SQL statement before the driver's message
  return DRIVER_MESSAGES.test(error.message) || isDatabaseUnavailable(error.cause);
}

/** Whether `error`, or one of its causes, means that the database is unavailable because too many requests wait for it. */
export function isDatabaseBusy(error: unknown): boolean {
  return error instanceof DatabaseBusyError || (error instanceof Error && isDatabaseBusy(error.cause));
}

/** Too many requests wait for a connection to the database. `isDatabaseUnavailable` is true of it. */
export class DatabaseBusyError extends Error {
  override readonly name = 'DatabaseBusyError';
  /** What PostgreSQL itself answers when it has no connection left: too_many_connections. */
  readonly code = '53300';

  constructor() {
    super('too many requests wait for a connection to the database');
  }
}

/**
 * The error codes: SQLSTATE class 08 (connection failure; not 08P01, a protocol violation, which a retry does not mend),
 * 25P03 (idle in transaction), 57P01 to 57P05 (the server stops or starts), 53300 (too many connections), 57014 (statement
 * cancelled), and the codes of the operating system.
 */
const CODES =
  /^(08(?!P01)...|25P03|57P0[1-5]|57014|53300|ECONNREFUSED|ECONNRESET|ECONNABORTED|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN)$/;

/** The messages of the driver for errors that have no code. */
const DRIVER_MESSAGES =
  /(timeout exceeded when trying to connect|Connection terminated( unexpectedly| due to connection timeout)?|Query read timeout|timeout expired|There was an error establishing an SSL connection|Client has encountered a connection error and is not queryable|Client was closed and is not queryable)$/;
