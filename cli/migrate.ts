import { defineCommand } from './command-line/command.ts';

/** Brings the databases of auth and api up to date. */
export const migrateCommand = defineCommand({
  name: 'migrate',
  summary: 'bring the PostgreSQL databases of auth and api up to date, without starting a service',
  details:
    'The command runs the migrations of AUTH_DATABASE_URL and API_DATABASE_URL, of one of them if only one is set, and ends. Run it as a job before processes with MIGRATIONS=job start. Without that, each process runs them at its start. Processes of the earlier version go on meanwhile.',
  arguments: {},
  options: {},
  async run(_input, { environment }) {
    const { migrateDatabases } = await import('./migrate-databases.ts');
    const migrated = await migrateDatabases(environment);
    return {
      json: Object.fromEntries(migrated.map(({ schema, executed }) => [schema, { executed }])),
      text: migrated.map(describeMigrated).join('\n'),
    };
  },
});

/** Says what was done in one schema. */
export function describeMigrated({ schema, executed }: { schema: string; executed: readonly string[] }): string {
  return executed.length === 0 ? `${schema} is up to date` : `${schema}: ran ${executed.join(', ')}`;
}
