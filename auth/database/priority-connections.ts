import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { Database } from '../../shared/database/database.ts';
import { connectOrm } from '../../shared/database/orm.ts';
import { authDatabase } from './definition.ts';

/** Connections for revocations and administration. They are few, because these requests are few and short. */
const POOL_SIZE = 4;

/** Chooses the connections for the requests of a client. */
export type EmFor = (clientId: string) => SqlEntityManager;

/**
 * Opens the connections for revocations, their publication, and administration. Token requests have other connections, so
 * that however many of them wait for the database, no revocation waits behind them. The embedded database has one
 * connection, so there it is `em`.
 */
export async function openPriorityConnections({
  database,
  em,
}: {
  database: Database;
  em: SqlEntityManager;
}): Promise<AsyncDisposable & { readonly em: SqlEntityManager }> {
  if (database.kind === 'postgresql') return connectOrm(database, authDatabase, { poolSize: POOL_SIZE });
  return { em, async [Symbol.asyncDispose]() {} };
}
