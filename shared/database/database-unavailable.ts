/**
 * Whether `error`, or what caused it, is the database's being out of reach or too slow to answer: what was asked may be
 * asked again later.
 */
export function isDatabaseUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code } = error as { code?: unknown };
  if (typeof code === 'string' && CODES.test(code)) return true;
  // MikroORM puts the statement before the driver's message
  return DRIVER_MESSAGES.test(error.message) || isDatabaseUnavailable(error.cause);
}

/**
 * SQLSTATEs of a connection that fails (08; 08P01 is a message that the server does not understand, and no better the next
 * time), of a transaction that was silent for too long, of a server that stops, starts or has no connection to spare, and
 * of a statement that took too long; and the system's own codes.
 */
const CODES =
  /^(08(?!P01)...|25P03|57P0[1-5]|57014|53300|ECONNREFUSED|ECONNRESET|ECONNABORTED|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN)$/;

/** What pg says where it gives no code. */
const DRIVER_MESSAGES =
  /(timeout exceeded when trying to connect|Connection terminated( unexpectedly| due to connection timeout)?|Query read timeout|timeout expired|Client has encountered a connection error and is not queryable|Client was closed and is not queryable)$/;
