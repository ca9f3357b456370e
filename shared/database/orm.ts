import type { EntitySchema, MigrationObject } from '@mikro-orm/core';
import { Migrator } from '@mikro-orm/migrations';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { Database } from './database.ts';

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
  const mikroOrm = await connect();
  const orm = {
    em: mikroOrm.em,
    migrator: new Migrator(mikroOrm.em),
    [Symbol.asyncDispose]: () => mikroOrm.close(),
  };
  try {
    await migrate();
  } catch (error) {
    await mikroOrm.close();
    throw error;
  }
  return orm;

  async function connect() {
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
        return MikroORM.init({ ...options, clientUrl: database.url, pool: { min: 0, max: poolSize } });
      }
    }
  }

  async function migrate(): Promise<void> {
    if (database.kind === 'embedded') {
      await orm.migrator.up();
      return;
    }
    // the lock is held on one connection while the migrator works on others
    await orm.em.transactional(async (em) => {
      await em.execute('select pg_advisory_xact_lock(hashtext(?))', [`migrate ${schema}`]);
      await orm.migrator.up();
    });
  }
}
