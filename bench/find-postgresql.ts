import { userInfo } from 'node:os';
import pg from 'pg';

/** A PostgreSQL server that accepts connections. */
export type PostgresqlServer = { readonly url: string; readonly version: string };

/** Connects to the server at `url`; by default to 127.0.0.1:5432, with the name of the current user as psql does. */
export async function findPostgresql(
  url = `postgresql://${userInfo().username}@127.0.0.1:5432/postgres`,
): Promise<PostgresqlServer | undefined> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 3000 });
  try {
    await client.connect();
    const { rows } = await client.query<{ server_version: string }>('show server_version');
    return { url, version: rows[0]?.server_version ?? 'of unknown version' };
  } catch {
    return undefined;
  } finally {
    await client.end().catch(() => undefined);
  }
}
