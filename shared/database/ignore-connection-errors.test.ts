import { expect, test } from 'vitest';
import { openTestDatabase } from '../testing/test-database.ts';
import { openPool } from './pool.ts';

test('a connection that breaks while a statement runs rejects the statement, and ends nothing else', async ({
  skip,
}) => {
  await using database = await openTestDatabase();
  if (database.kind === 'embedded') {
    skip('the embedded database has no connections');
    return;
  }
  const idleErrors: Error[] = [];
  const pool = openPool(database.url, { max: 1, timeout: 1_500, onIdleError: (error) => void idleErrors.push(error) });
  const client = await pool.connect();
  // longer than the server may send nothing. An error without a listener would fail the run of the tests
  await expect(client.query('select pg_sleep(3)')).rejects.toMatchObject({ code: 'ETIMEDOUT' });
  client.release(true);
  expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  expect(idleErrors).toEqual([]);
  await pool.end();
});
