import { MikroORM } from '@mikro-orm/pglite';
import { expect, test } from 'vitest';
import { emptyCluster, openPGlite } from './database.ts';

async function openTwo() {
  const pglite = await openPGlite({ loadDataDir: await emptyCluster() });
  const open = () =>
    MikroORM.init({ entities: [], discovery: { warnWhenNoEntities: false }, driverOptions: { pglite } });
  const [one, two] = [await open(), await open()];
  await pglite.exec('create table written (text text)');
  const texts = async () =>
    (await pglite.query<{ text: string }>('select text from written order by text')).rows.map(({ text }) => text);
  return {
    one,
    two,
    texts,
    async [Symbol.asyncDispose]() {
      await Promise.all([one.close(), two.close()]);
      await pglite.close();
    },
  };
}

test.each(['of one ORM', 'of two ORMs on one instance'])(
  'a statement beside a transaction %s survives its rollback',
  async (mappers) => {
    await using opened = await openTwo();
    const other = mappers === 'of one ORM' ? opened.one : opened.two;
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    const rolledBack = opened.one.em.fork().transactional(async (em) => {
      await em.execute(`insert into written values ('in the transaction')`);
      begin();
      // long enough for the other's insert to run inside it, if it could
      await new Promise((resolve) => setTimeout(resolve, 50));
      throw new Error('roll back');
    });
    await begun;
    const beside = other.em.fork().execute(`insert into written values ('beside it')`);
    await expect(rolledBack).rejects.toThrow('roll back');
    await beside;
    expect(await opened.texts()).toEqual(['beside it']);
  },
);

test('transactions that begin at the same time all complete', async () => {
  await using opened = await openTwo();
  const names = Array.from({ length: 20 }, (_, index) => String(index).padStart(2, '0'));
  await Promise.all(
    names.map((name, index) =>
      (index % 2 ? opened.one : opened.two).em.fork().transactional(async (em) => {
        await em.execute('select pg_sleep(0.001)');
        await em.execute(`insert into written values (?)`, [name]);
      }),
    ),
  );
  expect(await opened.texts()).toEqual(names);
});
