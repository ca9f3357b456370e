import { randomBytes } from 'node:crypto';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { openOrm } from '../../shared/database/orm.ts';
import { openTestDatabase } from '../../shared/testing/test-database.ts';
import { authDatabase } from '../database/definition.ts';
import { deleteExpiredKeys, listKeys, revokeKey, rotateKeys, rotateWhenDue } from './key-rotation.ts';
import type { KeySettings } from './key-store.ts';
import { openSigningKeys } from './signing-keys.ts';

const logger = pino({ level: 'silent' });
const ORIGIN = { actor: 'admin', address: null, requestId: null };
const settings: KeySettings = { algorithm: 'ES256', keyEncryptionKeys: [randomBytes(32)], accessTokenTtl: 60 };

async function open() {
  await using opening = new AsyncDisposableStack();
  const { em } = opening.use(await openOrm(opening.use(await openTestDatabase()), authDatabase));
  const keys = await openSigningKeys({ em, logger, ...settings });
  const opened = opening.move();
  return {
    em,
    keys,
    first: keys.active().kid,
    rotate: (seconds: number) => rotateKeys(em, settings, { seconds, origin: ORIGIN }),
    revoke: (kid: string) => revokeKey(em, settings, { kid, origin: ORIGIN }),
    /** Returns the ids of the keys by their status. */
    async statuses() {
      const listed = (await listKeys(em)).map(({ kid, status }) => [status, kid] as const);
      return Object.fromEntries(
        (['next', 'active', 'previous', 'revoked'] as const).map((status) => [
          status,
          listed.filter(([of]) => of === status).map(([, kid]) => kid),
        ]),
      );
    },
    /** Moves every time in the table of keys into the past. */
    age: (seconds: number) =>
      em.execute(
        `update auth.signing_key set signs_from = signs_from - ? * interval '1 second',
           published_until = published_until - ? * interval '1 second'`,
        [seconds, seconds],
      ),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

test('the next key is published, signs at its time, and the one before stays until its last token has expired', async () => {
  await using opened = await open();
  const { first, keys } = opened;
  const second = await opened.rotate(600);
  expect(await opened.statuses()).toEqual({ next: [second], active: [first], previous: [], revoked: [] });
  await keys.read();
  expect(keys.ids()).toEqual({ published: [second, first], revoked: [] });
  expect(keys.active().kid).toBe(first);

  await opened.age(601);
  await keys.read();
  expect(keys.active().kid).toBe(second);
  expect(await opened.statuses()).toEqual({ next: [], active: [second], previous: [first], revoked: [] });

  // two lifetimes of a token and five minutes after the key signed last
  await opened.age(415);
  await deleteExpiredKeys(opened.em);
  expect((await opened.statuses()).previous).toEqual([first]);
  await opened.age(6);
  await keys.read();
  expect(keys.ids().published).toEqual([second]);
  await deleteExpiredKeys(opened.em);
  expect(await opened.statuses()).toEqual({ next: [], active: [second], previous: [], revoked: [] });
});

test('a key stays as long as a status list that it may have signed', async () => {
  await using opened = await open();
  await opened.em.execute(
    "insert into auth.status_list (next_index, expires_at) values (0, now() + interval '3 hours')",
  );
  await opened.rotate(5);
  const [, first] = await listKeys(opened.em);
  const minutes = ((first?.publishedUntil ?? 0) - Date.now()) / 60_000;
  expect(minutes).toBeGreaterThan(184);
  expect(minutes).toBeLessThan(186);
});

test('requests to rotate at the same time create one next key, and a later one can bring it forward', async () => {
  await using opened = await open();
  const [second, ...others] = await Promise.all([opened.rotate(600), opened.rotate(600), opened.rotate(600)]);
  expect(others).toEqual([second, second]);
  const signsIn = async () => Math.round((((await listKeys(opened.em))[0]?.signsFrom ?? 0) - Date.now()) / 1000);
  expect(await signsIn()).toBeGreaterThan(590);
  expect(await opened.rotate(3_600)).toBe(second);
  expect(await signsIn()).toBeLessThan(601);
  expect(await opened.rotate(30)).toBe(second);
  const events = await opened.em.execute("select detail from auth.audit_event where action = 'key.bring-forward'");
  expect(events).toEqual([{ detail: { signs_in: 30 } }]);
  expect(await signsIn()).toBeLessThan(31);
});

test('if the active key is revoked, a new one signs at once, and none of before', async () => {
  await using opened = await open();
  const { first, keys } = opened;
  const second = await opened.rotate(5);
  await opened.age(6);
  const sequence = await opened.revoke(second);
  const { active, ...statuses } = await opened.statuses();
  expect(statuses).toEqual({ next: [], previous: [first], revoked: [second] });
  await keys.read();
  expect([keys.active().kid]).toEqual(active);
  expect(keys.ids()).toEqual({ published: [...(active ?? []), first], revoked: [second] });
  expect(sequence).toBeGreaterThan(0);
  // again: nothing changes
  expect(await opened.revoke(second)).toBe(sequence);
  expect((await opened.statuses()).active).toEqual(active);
});

test('if the active key is revoked and a next one exists, that one signs at once', async () => {
  await using opened = await open();
  const second = await opened.rotate(600);
  await opened.revoke(opened.first);
  expect(await opened.statuses()).toEqual({ next: [], active: [second], previous: [], revoked: [opened.first] });
});

test('if the next key is revoked, the active one stays and is not deleted', async () => {
  await using opened = await open();
  const second = await opened.rotate(600);
  await opened.revoke(second);
  expect(await opened.statuses()).toEqual({ next: [], active: [opened.first], previous: [], revoked: [second] });
  await opened.age(1_000_000);
  await deleteExpiredKeys(opened.em);
  expect((await opened.statuses()).active).toEqual([opened.first]);
});

test('a next key of another algorithm takes the place of one that was to sign later, for good', async () => {
  await using opened = await open();
  const second = await opened.rotate(3_600);
  const start = () => openSigningKeys({ em: opened.em, logger, ...settings, algorithm: 'EdDSA' });
  await start();
  const { next = [] } = await opened.statuses();
  expect(next).toHaveLength(2);
  expect(next[1]).toBe(second);
  // a later start does not create another one
  await start();
  expect((await opened.statuses()).next).toEqual(next);
  await opened.age(601);
  expect(await opened.statuses()).toMatchObject({ active: [next[0]], previous: [second, opened.first] });
});

test('of two next keys the last one signs from then on when it is brought forward or the active one is revoked', async () => {
  for (const change of ['rotate', 'revoke']) {
    await using opened = await open();
    const second = await opened.rotate(3_600);
    await openSigningKeys({ em: opened.em, logger, ...settings, algorithm: 'EdDSA' });
    const [third] = (await opened.statuses()).next ?? [];
    if (change === 'rotate') await opened.rotate(5);
    else await opened.revoke(opened.first);
    await opened.age(6);
    expect(await opened.statuses(), change).toMatchObject({ next: [], active: [third] });
    expect((await opened.statuses()).previous, change).toContain(second);
  }
});

test('the active key stays published for its tokens when a second next key signs later, or tokens live longer', async () => {
  for (const [algorithm, accessTokenTtl] of [
    ['EdDSA', 60],
    ['ES256', 3_600],
  ] as const) {
    await using opened = await open();
    await opened.rotate(5);
    await openSigningKeys({
      em: opened.em,
      logger,
      keyEncryptionKeys: settings.keyEncryptionKeys,
      algorithm,
      accessTokenTtl,
    });
    const keys = await listKeys(opened.em);
    const last = Math.max(...keys.map(({ signsFrom }) => signsFrom));
    for (const { publishedUntil, kid } of keys.slice(1))
      expect(((publishedUntil ?? 0) - last) / 1000, `${algorithm} ${kid}`).toBeGreaterThan(2 * accessTokenTtl);
  }
});

test('if a previous key is revoked, the active one stays, and so does the next one', async () => {
  await using opened = await open();
  const second = await opened.rotate(5);
  await opened.age(6);
  const third = await opened.rotate(600);
  await opened.revoke(opened.first);
  expect(await opened.statuses()).toEqual({ next: [third], active: [second], previous: [], revoked: [opened.first] });
  await opened.keys.read();
  expect(opened.keys.active().kid).toBe(second);
});

test('an unknown key cannot be revoked', async () => {
  await using opened = await open();
  await expect(opened.revoke('unknown')).rejects.toMatchObject({ status: 404, code: 'signing_key_not_found' });
});

test('revoked keys are never deleted, so that their ids stay known', async () => {
  await using opened = await open();
  await opened.revoke(opened.first);
  await opened.age(10_000_000);
  await deleteExpiredKeys(opened.em);
  expect((await opened.statuses()).revoked).toEqual([opened.first]);
});

test('the next key is created a day before the active one has signed for the whole period', async () => {
  await using opened = await open();
  const rotate = () => Promise.all([rotateWhenDue(opened.em, settings, 90), rotateWhenDue(opened.em, settings, 90)]);
  await opened.age(88.9 * 86_400);
  await rotate();
  expect(await opened.statuses()).toMatchObject({ next: [], active: [opened.first] });
  await opened.age(0.2 * 86_400);
  await rotate();
  await rotate();
  const { next = [], active } = await opened.statuses();
  expect(next).toHaveLength(1);
  expect(active).toEqual([opened.first]);
  await opened.age(86_401);
  expect(await opened.statuses()).toMatchObject({ next: [], active: next, previous: [opened.first] });
});

test('a short period has half of it as the time before a key signs', async () => {
  await using opened = await open();
  await opened.age(0.51 * 86_400);
  await rotateWhenDue(opened.em, settings, 1);
  const [next] = await listKeys(opened.em);
  expect(next?.status).toBe('next');
  expect(((next?.signsFrom ?? 0) - Date.now()) / 3_600_000).toBeCloseTo(12, 1);
});
