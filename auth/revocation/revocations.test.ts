import { expect, test } from 'vitest';
import type { StatusIndex } from '../status-lists/leases.ts';
import { inOneMinute, openTestStatusLists } from '../testing/test-status-lists.ts';

const request = { actor: 'test', address: null, requestId: null, reason: 'test' };

test('revoking a client writes at most one row for each block, and leaves later tokens valid', async () => {
  await using opened = await openTestStatusLists();
  const leases = opened.createLeases();
  const assign16 = (holder: string) =>
    Promise.all(Array.from({ length: 16 }, () => leases.assign(holder, inOneMinute())));
  const before = [...(await assign16('holder')), ...(await assign16('holder'))];
  const others = await assign16('other');
  before.push(...(await assign16('holder')), ...(await assign16('holder')));
  await opened.revocations.revokeClient('holder', request);
  const isInvalid = ({ list, index }: StatusIndex) => opened.statusLists.isInvalid(list, index);
  expect(before.every(isInvalid)).toBe(true);
  expect(others.some(isInvalid)).toBe(false);
  const revocations = await opened.em.execute('select start, length from auth.revocation order by list, start');
  // adjacent blocks of 16 and 32 become one row; then come 16 of the other client, and a block of 64
  expect(revocations).toEqual([
    { start: 0, length: 48 },
    { start: 64, length: 64 },
  ]);
  expect(isInvalid(await leases.assign('holder', inOneMinute()))).toBe(false);
});

test('revoking a client a second time writes no row', async () => {
  await using opened = await openTestStatusLists();
  await opened.createLeases().assign('holder', inOneMinute());
  const sequence = await opened.revocations.revokeClient('holder', request);
  expect(sequence).toBe(opened.statusLists.snapshot().sequence);
  expect(await opened.revocations.revokeClient('holder', request)).toBe(sequence);
  expect(await opened.em.execute('select 1 from auth.revocation')).toHaveLength(1);
});

test('revoking either of two clients revokes an index that they share, and no other', async () => {
  await using opened = await openTestStatusLists();
  const leases = opened.createLeases();
  const isInvalid = ({ list, index }: StatusIndex) => opened.statusLists.isInvalid(list, index);
  const [own, shared] = [await leases.assign('holder', inOneMinute()), await leases.assign('holder', inOneMinute())];
  for (let exchange = 0; exchange < 2; exchange += 1) await leases.share('other', shared);
  await opened.revocations.revokeClient('other', request);
  expect(isInvalid(shared)).toBe(true);
  expect(isInvalid(own)).toBe(false);
  await opened.revocations.revokeClient('holder', request);
  expect(isInvalid(own)).toBe(true);
});

test('revocations of one token at the same time share a transaction', async () => {
  await using opened = await openTestStatusLists();
  const { list, index } = await opened.createLeases().assign('holder', inOneMinute());
  const revoke = () => opened.revocations.revokeToken({ list, index, jti: 'one', clientId: 'holder' }, request);
  const sequences = await Promise.all(Array.from({ length: 100 }, revoke));
  expect(new Set(sequences)).toEqual(new Set([opened.statusLists.snapshot().sequence]));
  expect(opened.statusLists.isInvalid(list, index)).toBe(true);
  expect(await opened.em.execute('select 1 from auth.revocation')).toHaveLength(1);
  const audited = () => opened.em.execute("select 1 from auth.audit_event where action = 'token.revoke'");
  expect(await audited()).toHaveLength(1);
  expect(await revoke()).toBe(sequences[0]);
  expect(await audited()).toHaveLength(1);
});

test('a revocation that fails is carried out when it is repeated', async () => {
  await using opened = await openTestStatusLists();
  const { list, index } = await opened.createLeases().assign('holder', inOneMinute());
  const revoke = () => opened.revocations.revokeToken({ list, index, jti: 'one', clientId: 'holder' }, request);
  await opened.em.execute('alter table auth.revocation rename to renamed');
  const failed = await Promise.allSettled([revoke(), revoke()]);
  expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  await opened.em.execute('alter table auth.renamed rename to revocation');
  await revoke();
  expect(opened.statusLists.isInvalid(list, index)).toBe(true);
});
