import { RateLimiterPostgres } from 'rate-limiter-flexible';
import type { ObservePool } from '../database/observe-pools.ts';
import { openPool } from '../database/pool.ts';
import type { PointStore, PointStoreOptions } from './point-store.ts';

const MAX_CONNECTIONS = 5;

/** How long the server may send nothing. */
const SILENCE_TIMEOUT_MS = 2_000;

/** It belongs to no service: the URL may name a database of its own. */
const TABLE = 'yata_rate_limit';

/** The code of the error when another process creates the table at the same time. */
const UNIQUE_VIOLATION = '23505';

/** Opens the store at a PostgreSQL URL. It creates its table, for which the role needs the right to create one. */
export function openPostgresqlPointStore(url: string, options: PointStoreOptions, observe?: ObservePool): PointStore {
  const pool = openPool(url, {
    max: MAX_CONNECTIONS,
    timeout: SILENCE_TIMEOUT_MS,
    observe,
    // the pool opens a new connection for the next request
    onIdleError: () => {},
  });
  const limiter = new RateLimiterPostgres({
    ...options,
    keyPrefix: '',
    storeClient: pool,
    storeType: 'pool',
    tableName: TABLE,
    // by `prepare`: the package creates it once, and not again when that failed
    tableCreated: true,
    clearExpiredByTimeout: true,
  });
  return {
    async prepare() {
      // unlogged: counts may be lost when the server crashes, and are written faster
      await pool
        .query(
          `create unlogged table if not exists ${TABLE} (key text primary key, points integer not null, expire bigint)`,
        )
        .catch((error) => {
          if (error.code !== UNIQUE_VIOLATION) throw error;
        });
    },
    add: (key, points) => limiter.penalty(key, points),
    [Symbol.asyncDispose]: () => pool.end(),
  };
}
