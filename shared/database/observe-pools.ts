import type pg from 'pg';
import { Gauge, type Registry } from 'prom-client';

/** Is called with a new pool of connections to PostgreSQL. */
export type ObservePool = (pool: pg.Pool) => void;

/** A pool by what its connections are for. */
type PoolName =
  | 'ordinary'
  | 'priority'
  | 'readiness'
  | 'failed_authentications'
  | 'failed_sign_ins'
  | 'writes'
  | 'rate_limit';

/**
 * Adds the metrics of the pools of one service to `registry`, and traces the pools. The function that it returns names a pool.
 * The embedded database has no pool, and then the metrics have no series.
 */
export function createPoolObserver({
  registry,
  tracePool,
}: {
  registry: Registry;
  tracePool: ObservePool | undefined;
}): (name: PoolName) => ObservePool {
  const pools = new Map<PoolName, pg.Pool>();
  const gauge = (name: string, help: string, value: (pool: pg.Pool) => number) => {
    new Gauge({
      name,
      help,
      labelNames: ['pool'],
      registers: [registry],
      collect() {
        for (const [pool, observed] of pools) this.set({ pool }, value(observed));
      },
    });
  };
  gauge('database_pool_connections', 'Open connections to PostgreSQL', ({ totalCount }) => totalCount);
  gauge(
    'database_pool_connections_used',
    'Connections to PostgreSQL that run a statement or a transaction',
    ({ totalCount, idleCount }) => totalCount - idleCount,
  );
  gauge(
    'database_pool_connections_max',
    'The most connections to PostgreSQL that the pool opens',
    ({ options }) => options.max,
  );
  gauge(
    'database_pool_waiting',
    'Statements and transactions that wait for a connection to PostgreSQL',
    ({ waitingCount }) => waitingCount,
  );
  return (name) => (pool) => {
    pools.set(name, pool);
    tracePool?.(pool);
  };
}
