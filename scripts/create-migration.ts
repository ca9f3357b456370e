/**
 * Writes a migration from the difference between the entities and what the migrations so far lead to:
 *
 *   npm run migration:create -- auth|api NAME-IN-KEBAB-CASE
 *
 * Read what it wrote, and add it to the definition beside its folder.
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
  fileName === '' ? 'The entities ask for no migration\n' : `${service}/database/migrations/${fileName}\n`,
);
