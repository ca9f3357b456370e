import { setImmediate } from 'node:timers/promises';
import type { EntitySchema, MigrationObject } from '@mikro-orm/core';
import { Migrator } from '@mikro-orm/migrations';
import type { AbstractSqlConnection, SqlEntityManager } from '@mikro-orm/postgresql';
import type pg from 'pg';
import { DatabaseConnectError } from './connect-error.ts';
import { createConnectionOptions } from './connection-options.ts';
import type { Database } from './database.ts';
import { DatabaseBusyError } from './database-unavailable.ts';
import { openSocketWithIdleTimeout } from './idle-timeout.ts';
import { ignoreConnectionErrors } from './ignore-connection-errors.ts';
import type { MIGRATIONS } from './migration-modes.ts';
import type { ObservePool } from './observe-pools.ts';
import { waitForMigrations } from './pending-migrations.ts';
import { rememberPool } from './prepared-statements.ts';
import { applySessionSettings } from './session-settings.ts';

/** How long a request waits for a connection, and how long the server may send nothing while a statement runs. */
const CONNECT_TIMEOUT_MS = 5_000;
const ANSWER_TIMEOUT_MS = 10_000;

/** Requests that may wait for a connection. Beyond that a request fails at once instead of being queued. */
const MAX_WAITING = 1_000;

/** How long the migrations may take, including those of another process that this one waits for. */
const MIGRATION_TIMEOUT_MS = 10 * 60_000;

type PostgresqlDatabase = Extract<Database, { kind: 'postgresql' }>;

/** The schema of a service, with its entities and migrations. */
export type OrmDefinition = {
  readonly schema: string;
  readonly entities: EntitySchema[];
  readonly migrations: MigrationObject[];
};

/** A connected object-relational mapper with an up-to-date schema. Disposing it closes its connections. */
export type Orm = AsyncDisposable & { readonly em: SqlEntityManager; readonly migrator: Migrator };

type PoolOptions = {
  /** The most connections to a PostgreSQL server. */
  readonly poolSize?: number;
  /** Requests that may wait for a connection to a PostgreSQL server. */
  readonly maxWaiting?: number;
  /** Called with the pool of connections to a PostgreSQL server, to measure and to trace it. */
  readonly observe?: ObservePool | undefined;
  /** How long one statement may take, in milliseconds. */
  readonly answerTimeout?: number;
};

/**
 * Connects to `database` and runs the pending migrations. If several processes start at once, one runs them and the others
 * wait.
 * @param migrations `job`: another program runs the migrations of a PostgreSQL database, and this one waits for it.
 * @throws {MigrationsPendingError} when that program does not run them.
 */
export async function openOrm(
  database: Database,
  definition: OrmDefinition,
  { migrations = 'start', ...options }: PoolOptions & { readonly migrations?: (typeof MIGRATIONS)[number] } = {},
): Promise<Orm> {
  await using opening = new AsyncDisposableStack();
  if (database.kind === 'embedded') {
    const orm = opening.use(
      await connectOrm(database, definition, { ...options, answerTimeout: MIGRATION_TIMEOUT_MS }),
    );
    await orm.migrator.up();
    opening.move();
    return orm;
  }
  if (migrations === 'start') await runMigrations(database, definition);
  const orm = opening.use(await connectOrm(database, definition, options));
  if (migrations === 'job') {
    await requireConnection(database, definition, orm);
    await waitForMigrations(orm.em, definition);
  }
  opening.move();
  return orm;
}

/**
 * Runs the pending migrations of a PostgreSQL database, one process at a time.
 * @returns the names of the migrations that it ran.
 */
export async function runMigrations(database: PostgresqlDatabase, definition: OrmDefinition): Promise<string[]> {
  await using orm = await connectOrm(database, definition, { answerTimeout: MIGRATION_TIMEOUT_MS });
  const { em, migrator } = orm;
  await requireConnection(database, definition, orm);
  // this connection holds the lock while the migrator uses others
  return await em.transactional(async (transaction) => {
    await transaction.execute('select pg_advisory_xact_lock(hashtext(?))', [`migrate ${definition.schema}`]);
    return (await migrator.up()).map(({ name }) => name);
  });
}

/** Opens further connections to a database that `openOrm` has migrated. */
export async function connectOrm(
  database: Database,
  { schema, entities, migrations }: OrmDefinition,
  { poolSize = 10, maxWaiting = MAX_WAITING, answerTimeout = ANSWER_TIMEOUT_MS, observe }: PoolOptions = {},
): Promise<Orm> {
  const mikroOrm = await open();
  return {
    em: mikroOrm.em,
    migrator: new Migrator(mikroOrm.em),
    [Symbol.asyncDispose]: () => mikroOrm.close(),
  };

  async function open() {
    const options = {
      schema,
      entities,
      extensions: [Migrator],
      migrations: {
        tableName: `${schema}.migration`,
        migrationsList: migrations,
        snapshot: false,
        silent: true,
      },
      // MikroORM's own log stays off, because the values of a query are user data or secrets
      debug: false,
    };
    switch (database.kind) {
      case 'embedded': {
        const { MikroORM } = await import('@mikro-orm/pglite');
        const embedded = await MikroORM.init({ ...options, driverOptions: { pglite: database.pglite } });
        returnToEventLoop(embedded.em.getConnection());
        return embedded;
      }
      case 'postgresql': {
        const { MikroORM } = await import('@mikro-orm/postgresql');
        const connection = createConnectionOptions(database.url);
        // it is created with the first connection
        const created: { pool?: pg.Pool } = {};
        const orm = await MikroORM.init({
          ...options,
          dbName: connection.database,
          // MikroORM would create a database whose name is misspelt
          ensureDatabase: false,
          pool: { min: 0, max: poolSize },
          // not clientUrl, of which MikroORM ignores the parameters, and with them TLS
          driverOptions: {
            ...connection,
            connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
            onConnect: (client: pg.ClientBase) =>
              // a transaction that hangs must not keep its locks
              applySessionSettings(client, { idle_in_transaction_session_timeout: String(answerTimeout) }),
            // shorter than the idle timeout of the socket: an idle connection is closed before it looks like a silent server
            idleTimeoutMillis: ANSWER_TIMEOUT_MS - 1_000,
            stream: () => openSocketWithIdleTimeout(answerTimeout),
            onPoolCreated(pool: pg.Pool) {
              ignoreConnectionErrors(pool);
              pool.on('connect', releaseWhenDead);
              limitWaiting(pool, maxWaiting);
              created.pool = pool;
              observe?.(pool);
            },
          },
        });
        rememberPool(orm.em, created);
        return orm;
      }
    }
  }
}

/**
 * Makes each statement end in a new turn of the event loop. PGlite executes a statement in microtasks, so without this a loop
 * over statements would let nothing else run until it has ended: no timer, and no request to any of the three services.
 */
function returnToEventLoop(connection: Pick<AbstractSqlConnection, 'execute'>): void {
  const execute: AbstractSqlConnection['execute'] = connection.execute.bind(connection);
  connection.execute = async (...statement) => {
    try {
      return await execute(...statement);
    } finally {
      await setImmediate();
    }
  };
}

async function requireConnection(database: PostgresqlDatabase, { schema }: OrmDefinition, { em }: Orm): Promise<void> {
  await em.execute('select 1').catch((cause) => {
    throw new DatabaseConnectError(`${schema.toUpperCase()}_DATABASE_URL`, database.url, cause);
  });
}

/** Makes a request for a connection fail at once when `maxWaiting` others wait for one. */
function limitWaiting(pool: pg.Pool, maxWaiting: number): void {
  const connect = pool.connect.bind(pool);
  Object.assign(pool, {
    connect: () => (pool.waitingCount < maxWaiting ? connect() : Promise.reject(new DatabaseBusyError())),
  });
}

/**
 * Releases a connection that has ended. Kysely (0.29, kysely#1990) does not release the connection of a transaction whose
 * BEGIN, COMMIT or ROLLBACK failed, so the pool would lose one with each broken connection until it has none.
 */
function releaseWhenDead(client: pg.PoolClient): void {
  client.once('end', () => {
    // by then its user has released it, if it does so at all
    setTimeout(() => {
      try {
        client.release(true);
      } catch {
        // it was already released
      }
    }, 500).unref();
  });
}
