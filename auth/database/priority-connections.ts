import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { Database } from '../../shared/database/database.ts';
import type { ObservePool } from '../../shared/database/observe-pools.ts';
import { connectOrm } from '../../shared/database/orm.ts';
import { authDatabase } from './definition.ts';

/** Connections for revocations and administration. They are few, because these requests are few and short. */
const PRIORITY_POOL_SIZE = 4;

/** Connections for the readiness check, which runs once at a time. */
const READINESS_POOL_SIZE = 1;

/** Chooses the connections for the requests of a client. */
export type EmFor = (clientId: string) => SqlEntityManager;

/** The database, and its ordinary connections. The embedded database has one connection, so there all are `em`. */
type Databases = {
  readonly database: Database;
  readonly em: SqlEntityManager;
  /** Called with the new connections. */
  readonly observe?: ObservePool;
};

type Connections = AsyncDisposable & { readonly em: SqlEntityManager };

/**
 * Opens the connections for revocations, their publication, and administration. Token requests have other connections, so
 * that however many of them wait for the database, no revocation waits behind them.
 */
export function openPriorityConnections(databases: Databases): Promise<Connections> {
  return openConnections(databases, PRIORITY_POOL_SIZE);
}

/**
 * Opens the connection for the readiness check. A process whose other connections are all in use still revokes, so it
 * stays in service; and a stranger, who may request the check, reaches no connection of others.
 */
export function openReadinessConnection(databases: Databases): Promise<Connections> {
  return openConnections(databases, READINESS_POOL_SIZE);
}

async function openConnections({ database, em, observe }: Databases, poolSize: number): Promise<Connections> {
  if (database.kind === 'postgresql') return connectOrm(database, authDatabase, { poolSize, observe });
  return { em, async [Symbol.asyncDispose]() {} };
}
