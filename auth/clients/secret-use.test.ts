import { expect, test } from 'vitest';
import { openOrm } from '../../shared/database/orm.ts';
import { openTestDatabase } from '../../shared/testing/test-database.ts';
import { authDatabase } from '../database/definition.ts';
import { createSecretUse } from './secret-use.ts';

test('when a secret was last used is written later, and kept while it cannot be', async () => {
  await using database = await openTestDatabase();
  await using orm = await openOrm(database, authDatabase);
  await orm.em.execute("insert into auth.client_secret (hash, client_id) values ('sha256:one', 'program')");
  const lastUsed = async () =>
    (await orm.em.execute<{ used: boolean }[]>('select last_used_at is not null as used from auth.client_secret'))[0]
      ?.used;
  const use = createSecretUse(orm.em);
  use.note('sha256:one');
  expect(await lastUsed()).toBe(false);
  await orm.em.execute('alter table auth.client_secret rename to away');
  await expect(use.write()).rejects.toThrow();
  await orm.em.execute('alter table auth.away rename to client_secret');
  await use.write();
  expect(await lastUsed()).toBe(true);
});

test('of several processes, the one that saw a secret last is believed', async () => {
  await using database = await openTestDatabase();
  await using orm = await openOrm(database, authDatabase);
  await orm.em.execute(
    "insert into auth.client_secret (hash, client_id, last_used_at) values ('sha256:one', 'program', now() + interval '1 day')",
  );
  const use = createSecretUse(orm.em);
  use.note('sha256:one');
  await use.write();
  const [row] = await orm.em.execute('select last_used_at > now() as later from auth.client_secret');
  expect(row).toEqual({ later: true });
});
