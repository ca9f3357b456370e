import type { EntitySchema, MigrationObject } from '@mikro-orm/core';
import { Migrator } from '@mikro-orm/migrations';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type pg from 'pg';
import type { Database } from './database.ts';
import { openSocketWithIdleTimeout } from './idle-timeout.ts';

/** Milliseconds that a request waits for a connection, and a statement for the server to say anything. */
const CONNECT_WITHIN = 5_000;
const ANSWER_WITHIN = 10_000;

/** Milliseconds that a migration may take, or another process's that is waited for. */
const MIGRATE_WITHIN = 10 * 60_000;

/** What a service brings: its schema, the entities in it and the migrations that lead to them. */
export type OrmDefinition = {
  readonly schema: string;
  readonly entities: EntitySchema[];
  readonly migrations: MigrationObject[];
};

/** A connected object-relational mapper whose schema is up to date. Disposing it closes its connections. */
export type Orm = AsyncDisposable & { readonly em: SqlEntityManager; readonly migrator: Migrator };

/**
 * Connects to `database` and runs the migrations that are pending; of several processes that start at once, one runs
 * them and the others wait.
 * @param poolSize how many connections to a PostgreSQL server there are at the most.
 */
export async function openOrm(
  database: Database,
  { schema, entities, migrations }: OrmDefinition,
  { poolSize = 10 }: { poolSize?: number } = {},
): Promise<Orm> {
  await using migrating = new AsyncDisposableStack();
  const orm = migrating.use(await connect(MIGRATE_WITHIN));
  await migrate(orm);
  if (database.kind === 'postgresql') return connect(ANSWER_WITHIN);
  migrating.move();
  return orm;

  async function connect(answerWithin: number): Promise<Orm> {
    const mikroOrm = await open(answerWithin);
    return {
      em: mikroOrm.em,
      migrator: new Migrator(mikroOrm.em),
      [Symbol.asyncDispose]: () => mikroOrm.close(),
    };
  }

  async function open(answerWithin: number) {
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
      // every value that a query carries is data of a user or a secret: MikroORM's own log stays off
      debug: false,
    };
    switch (database.kind) {
      case 'embedded': {
        const { MikroORM } = await import('@mikro-orm/pglite');
        return MikroORM.init({ ...options, driverOptions: { pglite: database.pglite } });
      }
      case 'postgresql': {
        const { MikroORM } = await import('@mikro-orm/postgresql');
        return MikroORM.init({
          ...options,
          clientUrl: database.url,
          pool: { min: 0, max: poolSize },
          driverOptions: {
            connectionTimeoutMillis: CONNECT_WITHIN,
            // whatever zone the server is set to, a time is written in the one way that is read here
            // and who hangs in a transaction does not hold its locks for ever
            options: `-c timezone=UTC -c idle_in_transaction_session_timeout=${answerWithin}`,
            // an idle connection is closed before its silence is taken for the server's
            idleTimeoutMillis: ANSWER_WITHIN - 1_000,
            stream: () => openSocketWithIdleTimeout(answerWithin),
            onPoolCreated: (pool: pg.Pool) => pool.on('connect', releaseWhenDead),
          },
        });
      }
    }
  }

  async function migrate({ em, migrator }: Orm): Promise<void> {
    if (database.kind === 'embedded') {
      await migrator.up();
      return;
    }
    await em.execute('select 1').catch((cause) => {
      const { hostname, port } = new URL(database.url);
      const address = `${hostname}:${port || 5432}`;
      throw new Error(`${schema.toUpperCase()}_DATABASE_URL: the database at ${address} is not to be had`, { cause });
    });
    // the lock is held on one connection while the migrator works on others
    await em.transactional(async (transaction) => {
      await transaction.execute('select pg_advisory_xact_lock(hashtext(?))', [`migrate ${schema}`]);
      await migrator.up();
    });
  }
}

/**
 * Kysely (0.29) keeps the connection of a transaction whose BEGIN, COMMIT or ROLLBACK failed: a pool would lose one with
 * each connection that breaks, until it has none.
 */
function releaseWhenDead(client: pg.PoolClient): void {
  client.once('end', () => {
    // whoever holds it and does release it has long done so by then
    setTimeout(() => {
      try {
        client.release(true);
      } catch {
        // it was released
      }
    }, 500).unref();
  });
}
