import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { type Database, emptyCluster, openPGlite } from '../database/database.ts';

/**
 * Opens an empty database for a test. If `TEST_DATABASE_URL` is set, it is a new database on that PostgreSQL server, whose
 * role must be allowed to create databases; otherwise it is a PGlite database in memory. Disposing it drops it.
 */
export async function openTestDatabase(): Promise<Database & AsyncDisposable> {
  const server = process.env.TEST_DATABASE_URL;
  if (server === undefined) {
    const pglite = await openPGlite({ loadDataDir: await emptyCluster() });
    return { kind: 'embedded', pglite, [Symbol.asyncDispose]: () => pglite.close() };
  }
  const name = `yata_test_${randomUUID().replaceAll('-', '')}`;
  await execute(server, `create database ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return {
    kind: 'postgresql',
    url: url.href,
    [Symbol.asyncDispose]: () => execute(server, `drop database ${name} with (force)`),
  };
}

async function execute(server: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
