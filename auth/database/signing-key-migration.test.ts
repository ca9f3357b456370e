import { expect, test } from 'vitest';
import { openOrm } from '../../shared/database/orm.ts';
import { openTestDatabase } from '../../shared/testing/test-database.ts';
import { authDatabase } from './definition.ts';

test('keys of before stay published, and a revoked key does not come back with the version before', async () => {
  await using database = await openTestDatabase();
  await using orm = await openOrm(database, authDatabase);
  const { em, migrator } = orm;
  const place = authDatabase.migrations.findIndex(({ name }) => name.endsWith('signing_key_rotation'));
  const downgrade = async () => {
    for (const _ of authDatabase.migrations.slice(place)) await migrator.down();
  };
  const kids = async () =>
    (await em.execute<{ kid: string }[]>('select kid from auth.signing_key order by created_at')).map(({ kid }) => kid);

  await downgrade();
  await em.execute(
    `insert into auth.signing_key (kid, alg, encrypted_private_key, created_at)
     values ('first', 'ES256', '', now() - interval '2 years'), ('second', 'RS256', '', now() - interval '1 year'),
            ('third', 'ES256', '', now())`,
  );
  await migrator.up();
  expect(
    await em.execute(
      `select kid, signs_from = created_at as signed, published_until > now() + interval '47 hours' as published, revoked_at
       from auth.signing_key order by created_at`,
    ),
  ).toEqual([
    { kid: 'first', signed: true, published: true, revoked_at: null },
    { kid: 'second', signed: true, published: true, revoked_at: null },
    { kid: 'third', signed: true, published: null, revoked_at: null },
  ]);

  await em.execute("update auth.signing_key set revoked_at = now() where kid = 'first'");
  await em.execute("update auth.signing_key set published_until = now() - interval '1 hour' where kid = 'second'");
  await em.execute(
    `insert into auth.signing_key (kid, alg, encrypted_private_key, signs_from)
     values ('next', 'ES256', '', now() + interval '1 day')`,
  );
  await downgrade();
  expect(await kids()).toEqual(['third']);
  await migrator.up();
});
