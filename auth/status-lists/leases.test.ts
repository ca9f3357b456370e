import { expect, test } from 'vitest';
import { inOneMinute, openTestStatusLists } from '../testing/test-status-lists.ts';
import { ConnectionNotFoundError, LeaseHolderNotFoundError } from './leases.ts';

test('no index is assigned twice, and the blocks grow so that a thousand tokens need few', async () => {
  await using opened = await openTestStatusLists();
  const [one, two] = [opened.createLeases(), opened.createLeases()];
  const assigned = await Promise.all(
    Array.from({ length: 1000 }, (_, index) => (index % 2 ? one : two).assign('holder', inOneMinute())),
  );
  expect(new Set(assigned.map(({ list, index }) => `${list}:${index}`)).size).toBe(1000);
  const leases = await opened.em.execute('select length from auth.lease order by id');
  expect(leases.length).toBeLessThanOrEqual(12);
});

test('a holder that needs many indexes is leased the next block before the current one is used up', async () => {
  await using opened = await openTestStatusLists();
  const leases = opened.createLeases();
  const countLeases = async () => (await opened.em.execute('select 1 from auth.lease')).length;
  // blocks of 16, 32, 64 and 128, and half of the first block that is long enough to lease ahead
  for (let token = 0; token < 16 + 32 + 64 + 128 + 127; token++) await leases.assign('holder', inOneMinute());
  expect(await countLeases()).toBe(5);
  await leases.assign('holder', inOneMinute());
  await expect.poll(countLeases).toBe(6);
  // no other block can be leased now, and every index of these two blocks is still assigned
  await opened.disable('holder');
  for (let token = 0; token < 128 + 512; token++) await leases.assign('holder', inOneMinute());
  await expect(leases.assign('holder', inOneMinute())).rejects.toBeInstanceOf(LeaseHolderNotFoundError);
});

test('a client that does not exist or is disabled is assigned no index', async () => {
  await using opened = await openTestStatusLists();
  const leases = opened.createLeases();
  await expect(leases.assign('unknown', inOneMinute())).rejects.toBeInstanceOf(LeaseHolderNotFoundError);
  await opened.disable('holder');
  await expect(leases.assign('holder', inOneMinute())).rejects.toBeInstanceOf(LeaseHolderNotFoundError);
});

test('a disabled client cannot share an index', async () => {
  await using opened = await openTestStatusLists();
  const leases = opened.createLeases();
  const statusIndex = await leases.assign('holder', inOneMinute());
  await opened.disable('other');
  await expect(leases.share('other', statusIndex)).rejects.toBeInstanceOf(LeaseHolderNotFoundError);
});

test('first blocks of connections come from reserved indexes, of which none is assigned twice', async () => {
  await using opened = await openTestStatusLists();
  const ids = Array.from({ length: 300 }, (_, index) => `con_${index}`);
  await opened.em.execute("insert into auth.account (id, username, display_name) values ('usr_1', 'ada', 'Ada')");
  await opened.em.execute(
    `insert into auth.connection (id, account_id, client_id, client_name, redirect_host, resource, scopes, expires_at)
     select id, 'usr_1', 'holder', 'Holder', 'localhost', 'https://mcp.example', '{}', now() + interval '1 hour'
     from unnest(?::text[]) as id`,
    [`{${ids}}`],
  );
  const processes = [opened.createLeases(), opened.createLeases()];
  const assigned = await Promise.all(
    processes.flatMap((leases) =>
      ids.flatMap((id) => [leases.assign('holder', inOneMinute(), id), leases.assign('holder', inOneMinute(), id)]),
    ),
  );
  expect(new Set(assigned.map(({ list, index }) => `${list}:${index}`)).size).toBe(1200);
  // each process has a block for each connection, and no index belongs to two blocks
  const leases = await opened.em.execute<{ list: number; start: number; length: number }[]>(
    'select list, start, length from auth.lease order by list, start',
  );
  expect(leases).toHaveLength(600);
  for (const [index, { list, start, length }] of leases.entries()) {
    expect(length).toBe(4);
    const next = leases[index + 1];
    if (next?.list === list) expect(next.start).toBeGreaterThanOrEqual(start + length);
  }
  // two for each process, which needs 1,200 of 2,048. Each process may have begun with a list of its own
  const [{ taken } = { taken: 0 }] = await opened.em.execute<{ taken: number }[]>(
    'select sum(next_index)::int as taken from auth.status_list',
  );
  expect(taken).toBe(4 * 1_024);
});

test('a connection that has ended is assigned no index, and a block that it did not get is not used', async () => {
  await using opened = await openTestStatusLists();
  const leases = opened.createLeases();
  const allow = (id: string, accountId: string, expiresAt: number) =>
    opened.em.execute(
      `insert into auth.connection (id, account_id, client_id, client_name, redirect_host, resource, scopes, expires_at)
       values (?, ?, 'holder', 'An assistant', 'localhost', 'http://mcp.example', '{}', to_timestamp(?))`,
      [id, accountId, expiresAt],
    );
  await opened.em.execute(
    "insert into auth.account (id, username, display_name, active) values ('usr_ada', 'ada', 'Ada', true), ('usr_bob', 'bob', 'Bob', false)",
  );
  await allow('con_live', 'usr_ada', inOneMinute());
  await allow('con_expired', 'usr_ada', 0);
  await allow('con_disabled', 'usr_bob', inOneMinute());
  for (const id of ['con_expired', 'con_disabled', 'con_unknown'])
    await expect(leases.assign('holder', inOneMinute(), id)).rejects.toBeInstanceOf(ConnectionNotFoundError);
  expect(await opened.em.execute('select 1 from auth.lease')).toEqual([]);
  await leases.assign('holder', inOneMinute(), 'con_live');
  await opened.disable('holder');
  for (const process of [leases, opened.createLeases()])
    await expect(
      Promise.all(Array.from({ length: 4 }, () => process.assign('holder', inOneMinute(), 'con_live'))),
    ).rejects.toBeInstanceOf(LeaseHolderNotFoundError);
  expect(await opened.em.execute('select connection_id as id from auth.lease')).toEqual([{ id: 'con_live' }]);
});
