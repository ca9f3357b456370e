import { decodeJwt, decodeProtectedHeader } from 'jose';
import { expect, test, vi } from 'vitest';
import { revokeKey, rotateKeys } from '../signing-keys/key-rotation.ts';
import { inOneMinute, openTestStatusLists, TEST_ISSUER } from '../testing/test-status-lists.ts';
import { createAggregation } from './aggregation.ts';
import { formatAggregationTag, hasChangedSince, parseAggregationTag } from './entity-tags.ts';
import { deleteExpiredStatusLists } from './status-list-retention.ts';

const origin = { actor: 'test', address: null, requestId: null };
const request = { ...origin, reason: 'test' };

test('a process publishes what another process commits as soon as it is notified', async ({ skip }) => {
  await using opened = await openTestStatusLists();
  skip(opened.database.kind === 'embedded', 'the embedded database has one process');
  // without the timer that reads every two seconds what a notification missed
  vi.useFakeTimers({ toFake: ['setInterval'] });
  await using other = await opened.openOtherProcess().finally(() => vi.useRealTimers());
  const { list, index } = await opened.createLeases().assign('holder', inOneMinute());
  await expect.poll(() => other.snapshot().lists.has(list)).toBe(true);
  await opened.revocations.revokeToken({ list, index, jti: 'jti', clientId: 'holder' }, request);
  await expect.poll(() => other.isInvalid(list, index)).toBe(true);
});

test('a list is deleted with its leases and revocations when its tokens have expired', async () => {
  await using opened = await openTestStatusLists();
  const { list, index } = await opened.createLeases().assign('holder', inOneMinute());
  await opened.revocations.revokeToken({ list, index, jti: 'jti', clientId: 'holder' }, request);
  await deleteExpiredStatusLists(opened.em);
  await opened.statusLists.catchUp();
  expect(opened.statusLists.snapshot().lists.has(list)).toBe(true);
  await opened.em.execute("update auth.status_list set expires_at = now() - interval '2 minutes'");
  await deleteExpiredStatusLists(opened.em);
  await opened.statusLists.catchUp();
  expect(opened.statusLists.snapshot().lists.size).toBe(0);
  expect(await opened.statusLists.sign(list)).toBeUndefined();
  for (const table of ['status_list', 'lease', 'revocation']) {
    expect(await opened.em.execute(`select 1 from auth.${table}`)).toEqual([]);
  }
  // the next token gets an index in a new list
  expect((await opened.createLeases().assign('holder', inOneMinute())).list).not.toBe(list);
});

test('a list is published as soon as a process leases from it', async () => {
  await using opened = await openTestStatusLists();
  // the notification has not arrived yet, and a 404 would make readers reject a valid token
  const [created] = await opened.em
    .fork()
    .execute<{ id: number }[]>(
      "insert into auth.status_list (next_index, expires_at) values (0, now() + interval '1 hour') returning id",
    );
  expect(await opened.statusLists.sign(created?.id ?? 0)).toBeDefined();
  expect(await opened.statusLists.sign(99_999)).toBeUndefined();
});

test('a list is signed again when its signature is older than ttl, also in the aggregation, with the same entity tag', async () => {
  await using opened = await openTestStatusLists();
  const { list, index } = await opened.createLeases().assign('holder', inOneMinute() + 3600);
  await opened.revocations.revokeToken({ list, index, jti: 'jti', clientId: 'holder' }, request);
  const aggregation = createAggregation({ statusLists: opened.statusLists, issuer: TEST_ISSUER });
  const read = async () => {
    const [signed, document] = await Promise.all([opened.statusLists.sign(list), aggregation()]);
    const [embedded = ''] = Object.values<string>(JSON.parse(document.json).status_list_tokens);
    const tokens = [signed?.token ?? '', embedded];
    return {
      tokens,
      issuedAt: tokens.map((token) => decodeJwt(token).iat),
      entityTags: [signed?.entityTag, document.entityTag],
    };
  };
  const first = await read();
  expect((await read()).tokens).toEqual(first.tokens);
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 29_000 });
  try {
    expect((await read()).tokens).toEqual(first.tokens);
    vi.setSystemTime(Date.now() + 2_000);
    const [again, ...others] = await Promise.all([read(), read(), read()]);
    for (const issuedAt of again?.issuedAt ?? []) expect(issuedAt).toBeGreaterThan(Number(first.issuedAt[0]) + 29);
    expect(again?.entityTags).toEqual(first.entityTags);
    // once, however many ask
    for (const other of others) expect(other).toEqual(again);
  } finally {
    vi.useRealTimers();
  }
});

test('another key is announced as soon as it exists, and signs the lists when it is its turn', async () => {
  await using opened = await openTestStatusLists();
  const { em, statusLists, signingKeys, keySettings } = opened;
  const { list, index } = await opened.createLeases().assign('holder', inOneMinute());
  await opened.revocations.revokeToken({ list, index, jti: 'jti', clientId: 'holder' }, request);
  const aggregation = createAggregation({ statusLists, issuer: TEST_ISSUER });
  const read = async () => {
    const { entityTag, json } = await aggregation();
    const { key_ids, revoked_key_ids, status_list_tokens } = JSON.parse(json);
    const [embedded = ''] = Object.values<string>(status_list_tokens);
    const signed = (await statusLists.sign(list))?.token ?? '';
    return {
      entityTag,
      key_ids,
      revoked_key_ids,
      signers: [decodeProtectedHeader(embedded).kid, decodeProtectedHeader(signed).kid],
    };
  };
  const first = signingKeys.active().kid;
  const before = await read();
  expect(before).toMatchObject({ key_ids: [first], revoked_key_ids: [], signers: [first, first] });

  const next = await rotateKeys(em, keySettings, { seconds: 600, origin });
  await expect.poll(async () => (await read()).key_ids).toEqual([next, first]);
  const announced = await read();
  expect(announced.entityTag).not.toBe(before.entityTag);
  expect(announced.signers).toEqual([first, first]);
  const known = parseAggregationTag(before.entityTag);
  expect(known && hasChangedSince(known, statusLists.snapshot())).toBe(true);

  await revokeKey(em, keySettings, { kid: first, origin });
  await expect.poll(async () => (await read()).revoked_key_ids).toEqual([first]);
  expect(await read()).toMatchObject({ key_ids: [next], signers: [next, next] });
});

test('an entity tag of the version before, without keys, is a change', async () => {
  await using opened = await openTestStatusLists();
  const current = formatAggregationTag(opened.statusLists.snapshot());
  const parsed = (tag: string) => {
    const known = parseAggregationTag(tag);
    return known && hasChangedSince(known, opened.statusLists.snapshot());
  };
  expect(parsed(current)).toBe(false);
  expect(parsed(current.replace(/-[\w-]{8}"$/, '"'))).toBe(true);
  expect(parsed(current.replace(/"$/, 'x"'))).toBeUndefined();
});

test('the row that announces a revoked key is deleted after a day', async () => {
  await using opened = await openTestStatusLists();
  const { em, signingKeys, keySettings } = opened;
  await revokeKey(em, keySettings, { kid: signingKeys.active().kid, origin });
  const count = async () => (await em.execute('select 1 from auth.revocation')).length;
  await em.execute("update auth.revocation set at = now() - interval '23 hours'");
  await deleteExpiredStatusLists(em);
  expect(await count()).toBe(1);
  await em.execute("update auth.revocation set at = now() - interval '25 hours'");
  await deleteExpiredStatusLists(em);
  expect(await count()).toBe(0);
});
