import * as z from 'zod';
import { apiDatabase } from '../api/database/definition.ts';
import { authDatabase } from '../auth/database/definition.ts';
import {
  type Environment,
  InvalidConfigurationError,
  readEnvironment,
  resolveEnvironment,
} from '../shared/configuration/environment.ts';
import { databaseUrls } from '../shared/configuration/variables.ts';
import { runMigrations } from '../shared/database/orm.ts';

/** What was done in one schema: the names of the migrations that ran. */
export type MigratedSchema = { readonly schema: string; readonly executed: readonly string[] };

/**
 * Runs the pending migrations of the PostgreSQL databases that the environment names.
 * @throws {InvalidConfigurationError} when it names none.
 * @throws {DatabaseConnectError}
 */
export async function migrateDatabases(environment: Environment): Promise<MigratedSchema[]> {
  const urls = readEnvironment(z.object(databaseUrls), resolveEnvironment(environment));
  const databases = [
    { definition: authDatabase, url: urls.AUTH_DATABASE_URL },
    { definition: apiDatabase, url: urls.API_DATABASE_URL },
  ].flatMap(({ definition, url }) => (url === undefined ? [] : [{ definition, url }]));
  if (databases.length === 0)
    throw new InvalidConfigurationError(
      new Map([
        ['AUTH_DATABASE_URL, API_DATABASE_URL', 'expected one of them or both. The embedded database needs no job'],
      ]),
    );
  const migrated: MigratedSchema[] = [];
  for (const { definition, url } of databases)
    migrated.push({
      schema: definition.schema,
      executed: await runMigrations({ kind: 'postgresql', url }, definition),
    });
  return migrated;
}
