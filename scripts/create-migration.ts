/**
 * Writes a migration from the difference between the entities and the schema that the existing migrations create:
 *
 *   npm run migration:create -- auth|api NAME-IN-KEBAB-CASE
 *
 * Read the migration, then add it to `definition.ts` beside the folder of the migrations.
 */
import { apiDatabase } from '../api/database/definition.ts';
import { authDatabase } from '../auth/database/definition.ts';
import { openOrm } from '../shared/database/orm.ts';
import { openTestDatabase } from '../shared/testing/test-database.ts';

const definitions = { auth: authDatabase, api: apiDatabase };
const [service, name] = process.argv.slice(2);
if ((service !== 'auth' && service !== 'api') || !/^[a-z0-9-]+$/.test(name ?? '')) {
  throw new Error('usage: npm run migration:create -- auth|api NAME-IN-KEBAB-CASE');
}
await using database = await openTestDatabase();
await using orm = await openOrm(database, definitions[service]);
const { fileName } = await orm.migrator.create(`${service}/database/migrations`, false, false, name);
process.stdout.write(
  fileName === ''
    ? 'No migration is needed: the migrations match the entities\n'
    : `${service}/database/migrations/${fileName}\n`,
);
