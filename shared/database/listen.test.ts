import pg from 'pg';
import { expect, test, vi } from 'vitest';
import { openTestDatabase } from '../testing/test-database.ts';
import type { Database } from './database.ts';
import { listen } from './listen.ts';

async function execute(database: Database, sql: string): Promise<void> {
  if (database.kind === 'embedded') {
    await database.pglite.exec(sql);
    return;
  }
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query(sql);
  await client.end();
}

test('a notification from another session arrives', async () => {
  await using database = await openTestDatabase();
  const notified = vi.fn();
  {
    await using _subscription = await listen(database, 'news', { notified, interrupted: () => {} });
    await execute(database, `notify news, 'first'`);
    await vi.waitFor(() => expect(notified).toHaveBeenCalledWith('first'), 10_000);
  }
  await execute(database, `notify news, 'after it was disposed'`);
  expect(notified).toHaveBeenCalledTimes(1);
});

test('a lost connection is reported and restored', async ({ skip }) => {
  await using database = await openTestDatabase();
  skip(database.kind === 'embedded', 'the embedded database has no connection to lose');
  const [notified, interrupted] = [vi.fn(), vi.fn()];
  await using _subscription = await listen(database, 'news', { notified, interrupted });
  await execute(
    database,
    `select pg_terminate_backend(pid) from pg_stat_activity where query = 'listen news' and datname = current_database()`,
  );
  await vi.waitFor(() => expect(interrupted.mock.calls).toEqual([['lost'], ['restored']]), { timeout: 10_000 });
  await execute(database, `notify news, 'afterwards'`);
  await vi.waitFor(() => expect(notified).toHaveBeenCalledWith('afterwards'), 10_000);
});
