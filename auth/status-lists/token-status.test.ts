import { expect, test } from 'vitest';
import { revokeLeases } from '../revocation/revocations.ts';
import { inOneMinute, openTestStatusLists, TEST_ISSUER } from '../testing/test-status-lists.ts';
import { LeaseHolderNotFoundError } from './leases.ts';
import { createTokenStatus } from './token-status.ts';

async function open() {
  await using opening = new AsyncDisposableStack();
  const { em, statusLists, disable, createLeases } = opening.use(await openTestStatusLists());
  const tokenStatus = createTokenStatus({ issuer: TEST_ISSUER, leases: createLeases(), statusLists, revokeLeases });
  const opened = opening.move();
  return {
    ...tokenStatus,
    isRevoked: statusLists.isRevoked,
    countRevocations: async () => (await em.execute('select 1 from auth.revocation')).length,
    disable,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

test('a token gets a status of its own, without a promise once a block of indexes is leased', async () => {
  await using opened = await open();
  const first = await opened.assign('holder', inOneMinute());
  const second = opened.assign('holder', inOneMinute());
  expect(first).toEqual({ idx: 0, uri: `${TEST_ISSUER}/oauth/status-lists/1` });
  expect(second).toEqual({ ...first, idx: 1 });
  expect(await opened.isRevoked(first)).toBe(false);
});

test('a token that is assigned exclusively revokes the earlier tokens of its client, with one row for each', async () => {
  await using opened = await open();
  let earlier = await opened.assignExclusively('holder', inOneMinute());
  const ofOther = await opened.assign('other', inOneMinute());
  for (let token = 1; token <= 20; token += 1) {
    const newer = await opened.assignExclusively('holder', inOneMinute());
    expect(await opened.isRevoked(earlier)).toBe(true);
    expect(await opened.isRevoked(newer)).toBe(false);
    expect(await opened.countRevocations()).toBe(token);
    earlier = newer;
  }
  expect(await opened.isRevoked(ofOther)).toBe(false);
});

test('a token that is assigned exclusively does not revoke what its client got in an exchange', async () => {
  await using opened = await open();
  const subject = await opened.assign('holder', inOneMinute());
  await opened.share('other', subject);
  const own = await opened.assignExclusively('other', inOneMinute());
  await opened.assignExclusively('other', inOneMinute());
  expect(await opened.isRevoked(own)).toBe(true);
  expect(await opened.isRevoked(subject)).toBe(false);
});

test('a client that does not exist or is disabled gets no status', async () => {
  await using opened = await open();
  const status = await opened.assign('holder', inOneMinute());
  await opened.disable('other');
  for (const clientId of ['other', 'unknown']) {
    await expect(opened.assign(clientId, inOneMinute())).rejects.toBeInstanceOf(LeaseHolderNotFoundError);
    await expect(opened.assignExclusively(clientId, inOneMinute())).rejects.toBeInstanceOf(LeaseHolderNotFoundError);
    await expect(opened.share(clientId, status)).rejects.toBeInstanceOf(LeaseHolderNotFoundError);
  }
});

test('a status in a list of another issuer cannot be shared', async () => {
  await using opened = await open();
  const status = { idx: 0, uri: 'http://other.example/oauth/status-lists/1' };
  await expect(opened.share('other', status)).rejects.toThrow('http://other.example/oauth/status-lists/1');
});
