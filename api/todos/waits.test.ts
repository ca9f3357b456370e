import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { ChangeFeed } from '../../shared/todo/change-feed.ts';
import { type Caller, startApi } from '../testing/start-api.ts';

// one API for all tests of this file; each test has its own subject
let api: Awaited<ReturnType<typeof startApi>>;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api[Symbol.asyncDispose]());

const ANSWERED_AT_ONCE = { status: 200, changes: 0, applied: null };

test('three requests of a subject wait, and a further one is answered at once', async () => {
  const [call, other] = [await api.createCaller(), await api.createCaller()];
  const waiting = await startWaiting(call, 3);
  expect(await wait(call)).toEqual(ANSWERED_AT_ONCE);
  expect(await wait(call)).toEqual(ANSWERED_AT_ONCE);
  // requests that do not wait take no place, and another subject has places of its own
  expect(await wait(call, 0)).toEqual(ANSWERED_AT_ONCE);
  const [waitingOther] = await startWaiting(other, 1);

  await Promise.all([create(call), create(other)]);
  const woken = { status: 200, changes: 1, applied: 'wait' };
  expect(await Promise.all([...waiting, waitingOther])).toEqual([woken, woken, woken, woken]);
  // their places are free again
  const next = startWaiting(call, 1, '1');
  await create(call);
  expect(await Promise.all(await next)).toEqual([woken]);
});

test('a request whose client disconnects gives its place back', async () => {
  const token = await api.issueToken({ sub: 'disconnecting' });
  const call = await api.createCaller({ sub: 'disconnecting' });
  const disconnecting = new AbortController();
  const aborted = Array.from({ length: 3 }, () =>
    api.fetch('/api/v1/todos/changes?since=0', {
      headers: { authorization: `Bearer ${token}`, prefer: 'wait=20' },
      signal: disconnecting.signal,
    }),
  );
  await delay(300);
  expect(await wait(call)).toEqual(ANSWERED_AT_ONCE);
  disconnecting.abort();
  expect((await Promise.allSettled(aborted)).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  await delay(100);
  const [waiting] = await startWaiting(call, 1);
  await create(call);
  expect(await waiting).toMatchObject({ applied: 'wait', changes: 1 });
});

test('a change is read once for all requests of a subject that wait for it', async () => {
  const call = await api.createCaller();
  const waiting = await startWaiting(call, 3);
  const statements = vi.spyOn(api.em.getConnection(), 'execute');
  const reads = () => statements.mock.calls.filter(([sql]) => String(sql).includes('from api.todo_change')).length;
  await create(call);
  expect((await Promise.all(waiting)).map(({ changes }) => changes)).toEqual([1, 1, 1]);
  expect(reads()).toBe(1);
  // requests that do not wait read for themselves
  await Promise.all([wait(call), wait(call)]);
  expect(reads()).toBe(3);
});

/** Sends `count` requests that wait, and returns their promises when they wait. */
async function startWaiting(call: Caller, count: number, since = '0') {
  const waiting = Array.from({ length: count }, () => wait(call, 20, since));
  await delay(300);
  return waiting;
}

async function wait(call: Caller, seconds = 20, since = '0') {
  const { status, headers, body } = await call('GET', `/api/v1/todos/changes?since=${since}`, undefined, {
    prefer: `wait=${seconds}`,
  });
  return { status, changes: ChangeFeed.parse(body).changes.length, applied: headers.get('preference-applied') };
}

async function create(call: Caller): Promise<void> {
  expect((await call('POST', '/api/v1/todos', { title: 'a' })).status).toBe(201);
}
