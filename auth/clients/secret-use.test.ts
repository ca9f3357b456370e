import { expect, test } from 'vitest';
import { openOrm } from '../../shared/database/orm.ts';
import { openTestDatabase } from '../../shared/testing/test-database.ts';
import { authDatabase } from '../database/definition.ts';
import { createSecretUse } from './secret-use.ts';

test('the last use of a secret is written by flush, and kept in memory while the database rejects the write', async () => {
  await using database = await openTestDatabase();
  await using orm = await openOrm(database, authDatabase);
  await orm.em.execute("insert into auth.client_secret (hash, client_id) values ('sha256:one', 'program')");
  const isWritten = async () =>
    (await orm.em.execute<{ used: boolean }[]>('select last_used_at is not null as used from auth.client_secret'))[0]
      ?.used;
  const secretUse = createSecretUse(orm.em);
  secretUse.record('sha256:one');
  expect(await isWritten()).toBe(false);
  await orm.em.execute('alter table auth.client_secret rename to renamed');
  await expect(secretUse.flush()).rejects.toThrow();
  await orm.em.execute('alter table auth.renamed rename to client_secret');
  await secretUse.flush();
  expect(await isWritten()).toBe(true);
});

test('a process does not overwrite a later use that another process recorded', async () => {
  await using database = await openTestDatabase();
  await using orm = await openOrm(database, authDatabase);
  await orm.em.execute(
    "insert into auth.client_secret (hash, client_id, last_used_at) values ('sha256:one', 'program', now() + interval '1 day')",
  );
  const secretUse = createSecretUse(orm.em);
  secretUse.record('sha256:one');
  await secretUse.flush();
  const [row] = await orm.em.execute('select last_used_at > now() as later from auth.client_secret');
  expect(row).toEqual({ later: true });
});
