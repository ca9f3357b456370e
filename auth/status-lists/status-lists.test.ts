import { expect, test, vi } from 'vitest';
import { inOneMinute, openTestStatusLists } from '../testing/test-status-lists.ts';
import { deleteExpiredStatusLists } from './status-list-retention.ts';

const request = { actor: 'test', address: null, requestId: null, reason: 'test' };

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
