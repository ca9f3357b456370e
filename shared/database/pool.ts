import pg from 'pg';
import { createConnectionOptions } from './connection-options.ts';
import { openSocketWithIdleTimeout } from './idle-timeout.ts';
import { ignoreConnectionErrors } from './ignore-connection-errors.ts';
import type { ObservePool } from './observe-pools.ts';
import { applySessionSettings } from './session-settings.ts';

/** By how much a connection without a query is closed before its socket would take its silence for a failure. */
const IDLE_MARGIN_MS = 1_000;

/**
 * Opens a pool of connections to the PostgreSQL database at `url`, for queries beside those of MikroORM.
 * @param options.timeout milliseconds for which the server may send nothing, and for which a query waits for a connection.
 * @param options.onIdleError called when a connection without a query fails.
 * @param options.pipeline whether a query is sent before the one before it on the same connection is answered.
 * @param options.settings settings of PostgreSQL for each session.
 * @param options.observe called with the pool, to measure and to trace it.
 */
export function openPool(
  url: string,
  {
    max,
    timeout,
    onIdleError,
    pipeline = false,
    settings = {},
    observe,
  }: {
    max: number;
    timeout: number;
    onIdleError: (error: Error) => void;
    pipeline?: boolean;
    settings?: Readonly<Record<string, string>>;
    observe?: ObservePool | undefined;
  },
): pg.Pool {
  const pool = new pg.Pool({
    ...createConnectionOptions(url),
    max,
    connectionTimeoutMillis: timeout,
    idleTimeoutMillis: timeout - IDLE_MARGIN_MS,
    // not query_timeout, which returns the connection to the pool while its statement is still running
    stream: () => openSocketWithIdleTimeout(timeout),
    onConnect: (client) => applySessionSettings(client, settings),
    types: { getTypeParser },
    // the types of the driver lack it
    ...{ pipeline },
  });
  pool.on('error', onIdleError);
  ignoreConnectionErrors(pool);
  observe?.(pool);
  return pool;
}

/** Dates and times stay texts, as MikroORM and PGlite return them. */
const TIME_OIDS: ReadonlySet<number> = new Set([1082, 1114, 1184, 1186]);

const getTypeParser: typeof pg.types.getTypeParser = (oid: number, format?: 'text' | 'binary') =>
  TIME_OIDS.has(oid) ? (text: string) => text : pg.types.getTypeParser(oid, format as 'text');
