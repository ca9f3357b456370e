import pg from 'pg';
import { createConnectionOptions } from './connection-options.ts';
import { openSocketWithIdleTimeout } from './idle-timeout.ts';
import { applySessionSettings } from './session-settings.ts';

/** By how much a connection without a query is closed before its socket would take its silence for a failure. */
const IDLE_MARGIN_MS = 1_000;

/**
 * Opens a pool of connections to the PostgreSQL database at `url`, for queries beside those of MikroORM.
 * @param options.timeout milliseconds for which the server may send nothing, and for which a query waits for a connection.
 * @param options.onIdleError called when a connection without a query fails.
 */
export function openPool(
  url: string,
  { max, timeout, onIdleError }: { max: number; timeout: number; onIdleError: (error: Error) => void },
): pg.Pool {
  const pool = new pg.Pool({
    ...createConnectionOptions(url),
    max,
    connectionTimeoutMillis: timeout,
    idleTimeoutMillis: timeout - IDLE_MARGIN_MS,
    // not query_timeout, which returns the connection to the pool while its statement is still running
    stream: () => openSocketWithIdleTimeout(timeout),
    onConnect: (client) => applySessionSettings(client),
  });
  pool.on('error', onIdleError);
  return pool;
}
