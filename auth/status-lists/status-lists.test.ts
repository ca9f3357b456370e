import { randomBytes } from 'node:crypto';
import { pino } from 'pino';
import { expect, test, vi } from 'vitest';
import { openOrm } from '../../shared/database/orm.ts';
import { openTestDatabase } from '../../shared/testing/test-database.ts';
import { insertClient } from '../clients/clients.ts';
import { authDatabase } from '../database/definition.ts';
import { createRevocations, revokeLeases } from '../revocation/revocations.ts';
import { findOrCreateSigningKeys } from '../signing-keys/signing-keys.ts';
import { createLeases, LeaseHolderNotFoundError, type StatusIndex } from './leases.ts';
import { openStatusLists, retireStatusLists } from './status-lists.ts';

const issuer = 'http://auth.example';
const soon = () => Math.floor(Date.now() / 1000) + 60;

async function open() {
  await using opening = new AsyncDisposableStack();
  const database = opening.use(await openTestDatabase());
  const { em } = opening.use(await openOrm(database, authDatabase));
  const signingKeys = await findOrCreateSigningKeys({ em, algorithm: 'ES256', keyEncryptionKey: randomBytes(32) });
  const logger = pino({ level: 'silent' });
  const context = { database, em, issuer, signingKeys, logger };
  const statusLists = opening.use(await openStatusLists(context));
  const openLeases = () => createLeases({ em, listLifetime: 60, isInvalid: statusLists.isInvalid });
  for (const clientId of ['holder', 'other']) {
    await insertClient(em.fork(), {
      clientId,
      name: 'Holder',
      scopes: ['todos:read'],
      resources: [],
      resourceServer: null,
      tokenEndpointAuthMethod: 'client_secret_basic',
      secretHash: null,
      jwks: null,
    });
  }
  const opened = opening.move();
  return {
    database,
    context,
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
  await expect(leases.take('holder', soon())).rejects.toBeInstanceOf(LeaseHolderNotFoundError);
});

test('a client is revoked by a row for each block at most, and gets places afterwards that are not', async () => {
  await using opened = await open();
  const leases = opened.openLeases();
  const take = (holder: string) => Promise.all(Array.from({ length: 16 }, () => leases.take(holder, soon())));
  const before = [...(await take('holder')), ...(await take('holder'))];
  const others = await take('other');
  before.push(...(await take('holder')), ...(await take('holder')));
  await opened.revocations.revokeClient('holder', cause);
  const isInvalid = ({ list, index }: StatusIndex) => opened.statusLists.isInvalid(list, index);
  expect(before.every(isInvalid)).toBe(true);
  expect(others.some(isInvalid)).toBe(false);
  const revocations = await opened.em.execute('select start, length from auth.revocation order by list, start');
  // blocks of 16 and 32 that lie side by side, the other client's of 16, and one of 64
  expect(revocations).toEqual([
    { start: 0, length: 48 },
    { start: 64, length: 64 },
  ]);
  const after = await leases.take('holder', soon());
  expect(opened.statusLists.isInvalid(after.list, after.index)).toBe(false);
});

test('what is revoked once is not revoked again', async () => {
  await using opened = await open();
  const leases = opened.openLeases();
  const rows = async () => (await opened.em.execute('select 1 from auth.revocation')).length;
  await leases.take('holder', soon());
  const sequence = await opened.revocations.revokeClient('holder', cause);
  expect(sequence).toBe(opened.statusLists.snapshot().sequence);
  expect(await opened.revocations.revokeClient('holder', cause)).toBe(sequence);
  expect(await rows()).toBe(1);
  // nor does a client that holds one token at a time leave more behind with each
  for (let token = 1; token <= 20; token += 1) {
    await leases.takeAlone('holder', soon(), async (transaction) => {
      await revokeLeases(transaction, 'holder', { actor: 'test', reason: 'test' });
    });
    expect(await rows()).toBe(token);
  }
});

test('a place that two clients share falls with either of them, and others do not', async () => {
  await using opened = await open();
  const leases = opened.openLeases();
  const [alone, shared] = [await leases.take('holder', soon()), await leases.take('holder', soon())];
  for (let again = 0; again < 2; again += 1) await leases.share('other', shared);
  await opened.revocations.revokeClient('other', cause);
  expect(opened.statusLists.isInvalid(shared.list, shared.index)).toBe(true);
  expect(opened.statusLists.isInvalid(alone.list, alone.index)).toBe(false);
  await opened.em.execute("update auth.client set active = false where client_id = 'other'");
  await expect(leases.share('other', alone)).rejects.toBeInstanceOf(LeaseHolderNotFoundError);
});

test('a client that may have one token at a time keeps what it was given in exchange', async () => {
  await using opened = await open();
  const leases = opened.openLeases();
  const subject = await leases.take('holder', soon());
  await leases.share('other', subject);
  const takeAlone = () =>
    leases.takeAlone('other', soon(), async (transaction) => {
      await revokeLeases(transaction, 'other', { actor: 'other', reason: 'test' }, { exchanged: false });
    });
  const [own] = [await takeAlone(), await takeAlone()];
  await opened.statusLists.catchUp();
  expect(opened.statusLists.isInvalid(own.list, own.index)).toBe(true);
  expect(opened.statusLists.isInvalid(subject.list, subject.index)).toBe(false);
  await opened.revocations.revokeClient('other', cause);
  expect(opened.statusLists.isInvalid(subject.list, subject.index)).toBe(true);
});

test('a client that is gone or disabled gets no place', async () => {
  await using opened = await open();
  const leases = opened.openLeases();
  await expect(leases.take('nobody', soon())).rejects.toBeInstanceOf(LeaseHolderNotFoundError);
  await opened.em.execute("update auth.client set active = false where client_id = 'holder'");
  await expect(leases.take('holder', soon())).rejects.toBeInstanceOf(LeaseHolderNotFoundError);
});

test('what another process commits is published by its notification', async ({ skip }) => {
  await using opened = await open();
  skip(opened.database.kind === 'embedded', 'the embedded database has one process');
  // without the look every two seconds for what was missed
  vi.useFakeTimers({ toFake: ['setInterval'] });
  await using other = await openStatusLists(opened.context).finally(() => vi.useRealTimers());
  const { list, index } = await opened.openLeases().take('holder', soon());
  await expect.poll(() => other.snapshot().lists.has(list)).toBe(true);
  await opened.revocations.revokeToken({ list, index, jti: 'jti', clientId: 'holder' }, cause);
  await expect.poll(() => other.isInvalid(list, index)).toBe(true);
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

test('a list is published as soon as there is a token on it', async () => {
  await using opened = await open();
  // its notification cannot have been followed yet, and a 404 would have the token refused as one of no list
  const [made] = await opened.em
    .fork()
    .execute<{ id: number }[]>(
      "insert into auth.status_list (next_index, expires_at) values (0, now() + interval '1 hour') returning id",
    );
  expect(await opened.statusLists.sign(made?.id ?? 0)).toBeDefined();
  expect(await opened.statusLists.sign(99_999)).toBeUndefined();
});
