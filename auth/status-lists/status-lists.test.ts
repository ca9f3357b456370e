import { randomBytes } from 'node:crypto';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { openOrm } from '../../shared/database/orm.ts';
import { openTestDatabase } from '../../shared/testing/test-database.ts';
import { insertClient } from '../clients/clients.ts';
import { authDatabase } from '../database/definition.ts';
import { createRevocations } from '../revocations/revocations.ts';
import { loadSigningKeys } from '../signing-keys/signing-keys.ts';
import { createLeases, HolderGone } from './leases.ts';
import { openStatusLists, retireStatusLists } from './status-lists.ts';

const issuer = 'http://auth.example';
const soon = () => Math.floor(Date.now() / 1000) + 60;

async function open() {
  await using opening = new AsyncDisposableStack();
  const database = opening.use(await openTestDatabase());
  const { em } = opening.use(await openOrm(database, authDatabase));
  const signingKeys = await loadSigningKeys({ em, algorithm: 'ES256', keyEncryptionKey: randomBytes(32) });
  const logger = pino({ level: 'silent' });
  const statusLists = opening.use(await openStatusLists({ database, em, issuer, signingKeys, logger }));
  const openLeases = () => createLeases({ em, listLifetime: 60, isInvalid: statusLists.isInvalid });
  await insertClient(em.fork(), {
    clientId: 'holder',
    name: 'Holder',
    scopes: ['todos:read'],
    resources: [],
    resourceServer: null,
    tokenEndpointAuthMethod: 'client_secret_basic',
    secretHash: null,
    jwks: null,
  });
  const opened = opening.move();
  return {
    em,
    statusLists,
    openLeases,
    revocations: createRevocations({ em, statusLists }),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

const cause = { actor: 'test', address: null, requestId: null, reason: 'test' };

test('no place is given twice, and the blocks grow so that a thousand tokens need few', async () => {
  await using opened = await open();
  const [one, two] = [opened.openLeases(), opened.openLeases()];
  const places = await Promise.all(
    Array.from({ length: 1000 }, (_, index) => (index % 2 ? one : two).take('holder', soon())),
  );
  expect(new Set(places.map(({ list, index }) => `${list}:${index}`)).size).toBe(1000);
  const leases = await opened.em.execute('select length from auth.lease order by id');
  expect(leases.length).toBeLessThanOrEqual(12);
});

test('who needs many places is leased the next block before the last one is used up', async () => {
  await using opened = await open();
  const leases = opened.openLeases();
  const countLeases = async () => (await opened.em.execute('select 1 from auth.lease')).length;
  // blocks of 16, 32, 64 and 128, and half of the first that is leased ahead of
  for (let token = 0; token < 16 + 32 + 64 + 128 + 127; token++) await leases.take('holder', soon());
  expect(await countLeases()).toBe(5);
  await leases.take('holder', soon());
  await expect.poll(countLeases).toBe(6);
  // no other block is to be had, and as many places are given as both of these have
  await opened.em.execute("update auth.client set active = false where client_id = 'holder'");
  for (let token = 0; token < 128 + 512; token++) await leases.take('holder', soon());
  await expect(leases.take('holder', soon())).rejects.toBeInstanceOf(HolderGone);
});

test('a client is revoked by a row for each block, and gets places afterwards that are not', async () => {
  await using opened = await open();
  const leases = opened.openLeases();
  const before = await Promise.all(Array.from({ length: 100 }, () => leases.take('holder', soon())));
  await opened.revocations.revokeClient('holder', cause);
  expect(before.every(({ list, index }) => opened.statusLists.isInvalid(list, index))).toBe(true);
  const revocations = await opened.em.execute('select list, start, length from auth.revocation order by list, start');
  expect(revocations).toEqual(
    await opened.em.execute('select list, start, length from auth.lease order by list, start'),
  );
  const after = await leases.take('holder', soon());
  expect(opened.statusLists.isInvalid(after.list, after.index)).toBe(false);
});

test('a client that is gone or disabled gets no place', async () => {
  await using opened = await open();
  const leases = opened.openLeases();
  await expect(leases.take('nobody', soon())).rejects.toBeInstanceOf(HolderGone);
  await opened.em.execute("update auth.client set active = false where client_id = 'holder'");
  await expect(leases.take('holder', soon())).rejects.toBeInstanceOf(HolderGone);
});

test('a list is retired with all that belongs to it when its tokens have expired', async () => {
  await using opened = await open();
  const { list, index } = await opened.openLeases().take('holder', soon());
  await opened.revocations.revokeToken({ list, index, jti: 'jti', clientId: 'holder' }, cause);
  await retireStatusLists(opened.em);
  await opened.statusLists.catchUp();
  expect(opened.statusLists.snapshot().lists.has(list)).toBe(true);
  await opened.em.execute("update auth.status_list set expires_at = now() - interval '2 minutes'");
  await retireStatusLists(opened.em);
  await opened.statusLists.catchUp();
  expect(opened.statusLists.snapshot().lists.size).toBe(0);
  expect(await opened.statusLists.sign(list)).toBeUndefined();
  for (const table of ['status_list', 'lease', 'revocation']) {
    expect(await opened.em.execute(`select 1 from auth.${table}`)).toEqual([]);
  }
  // and the next token finds a list that is new
  expect((await opened.openLeases().take('holder', soon())).list).not.toBe(list);
});
