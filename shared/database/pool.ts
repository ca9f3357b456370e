import pg from 'pg';
import { openSocketWithIdleTimeout } from './idle-timeout.ts';

/** By how much a connection without a query is closed before its socket would take its silence for a failure. */
const IDLE_MARGIN_MS = 1_000;

/**
 * Opens a pool of connections to PostgreSQL for queries beside those of MikroORM.
 * @param options.timeout milliseconds for which the server may send nothing, and for which a query waits for a connection.
 * @param options.onIdleError called when a connection without a query fails.
 */
export function openPool(
  connectionString: string,
  { max, timeout, onIdleError }: { max: number; timeout: number; onIdleError: (error: Error) => void },
): pg.Pool {
  const pool = new pg.Pool({
    connectionString,
    max,
    connectionTimeoutMillis: timeout,
    idleTimeoutMillis: timeout - IDLE_MARGIN_MS,
    // not query_timeout, which returns the connection to the pool while its statement is still running
    stream: () => openSocketWithIdleTimeout(timeout),
  });
  pool.on('error', onIdleError);
  return pool;
}
