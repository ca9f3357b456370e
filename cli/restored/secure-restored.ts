import { existsSync } from 'node:fs';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import * as z from 'zod';
import { apiDatabase } from '../../api/database/definition.ts';
import { moveTodosOn } from '../../api/restore/move-todos-on.ts';
import { readAuthConfig } from '../../auth/config.ts';
import { authDatabase } from '../../auth/database/definition.ts';
import { type Invalidated, invalidateEverything } from '../../auth/restore/invalidate-everything.ts';
import { findOrCreateKeyEncryptionKeys } from '../../auth/signing-keys/key-encryption-key.ts';
import { type Environment, readEnvironment, resolveEnvironment } from '../../shared/configuration/environment.ts';
import { databaseUrls } from '../../shared/configuration/variables.ts';
import { type Database, embeddedDatabaseFolder, openEmbeddedDatabase } from '../../shared/database/database.ts';
import { connectOrm, type OrmDefinition, openOrm } from '../../shared/database/orm.ts';
import { RESTORED_TEXTS } from './texts.ts';

/** How long a statement may take: one changes every todo of the database. */
const ANSWER_TIMEOUT_MS = 6 * 3_600_000;

/** What was done: in the database of auth, and the number of todo lists in that of api. */
type Secured = { readonly auth?: Invalidated; readonly lists?: number };

/**
 * Makes the databases safe that the environment names, or the embedded one if it names none.
 * @throws {InvalidConfigurationError}
 * @throws {DatabaseConnectError}
 * @throws {Error} when a service is connected to one of them, or there is no embedded database.
 */
export async function secureRestored(given: Environment): Promise<Secured> {
  const environment = resolveEnvironment(given);
  const config = readAuthConfig(environment);
  const urls = readEnvironment(z.object(databaseUrls), environment);
  const secureAuth = (em: SqlEntityManager) =>
    invalidateEverything(em, {
      algorithm: config.AUTH_SIGNING_ALG,
      keyEncryptionKeys: config.AUTH_KEY_ENCRYPTION_KEY ?? findOrCreateKeyEncryptionKeys(config.YATA_DATA_DIR),
      accessTokenTtl: config.ACCESS_TOKEN_TTL,
    });

  if (urls.AUTH_DATABASE_URL === undefined && urls.API_DATABASE_URL === undefined) {
    await using embedded = await openExisting(config.YATA_DATA_DIR);
    return {
      auth: await secure(embedded, authDatabase, secureAuth),
      lists: await secure(embedded, apiDatabase, moveTodosOn),
    };
  }
  const [auth, api] = [urls.AUTH_DATABASE_URL, urls.API_DATABASE_URL].map(
    (url) => url && ({ kind: 'postgresql', url } as const),
  );
  // before the first change of either
  if (auth) await requireRestoredAndStopped(auth, authDatabase);
  if (api) await requireRestoredAndStopped(api, apiDatabase);
  return {
    ...(auth && { auth: await secure(auth, authDatabase, secureAuth) }),
    ...(api && { lists: await secure(api, apiDatabase, moveTodosOn) }),
  };
}

/** To open the embedded database would create it. */
async function openExisting(dataDirectory: string) {
  if (!existsSync(embeddedDatabaseFolder(dataDirectory))) throw new Error(RESTORED_TEXTS.noDatabase(dataDirectory));
  return openEmbeddedDatabase(dataDirectory);
}

async function secure<T>(
  database: Database,
  definition: OrmDefinition,
  run: (em: SqlEntityManager) => Promise<T>,
): Promise<T> {
  await using orm = await openOrm(database, definition, { answerTimeout: ANSWER_TIMEOUT_MS });
  // awaited, because the connections are closed when this function returns
  return await run(orm.em);
}

/** The processes of the services are known by the names of their sessions. */
async function requireRestoredAndStopped(database: Database, definition: OrmDefinition): Promise<void> {
  await using orm = await connectOrm(database, definition);
  const { schema } = definition;
  const tables = await orm.em.execute<object[]>('select 1 from pg_tables where schemaname = ? limit 1', [schema]);
  // migrations would create the tables, and the backup could not be restored any more
  if (tables.length === 0) throw new Error(RESTORED_TEXTS.empty(schema));
  const sessions = await orm.em.execute<{ name: string }[]>(
    `select distinct split_part(application_name, ' ', 2) as name from pg_stat_activity
     where datname = current_database() and application_name like 'yata %'`,
  );
  if (sessions.length > 0) throw new Error(RESTORED_TEXTS.running(sessions.map(({ name }) => name)));
}
