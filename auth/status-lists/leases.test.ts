import { expect, test } from 'vitest';
import { inOneMinute, openTestStatusLists } from '../testing/test-status-lists.ts';
import { LeaseHolderNotFoundError } from './leases.ts';

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
