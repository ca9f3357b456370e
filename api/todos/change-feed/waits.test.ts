import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { ChangeFeed } from '../../../shared/todo/change-feed.ts';
import { type Caller, startApi } from '../../testing/start-api.ts';

// one API for all tests of this file; each test has its own subject
let api: Awaited<ReturnType<typeof startApi>>;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api[Symbol.asyncDispose]());

const AT_ONCE = { status: 200, changes: 0, applied: null };
const WOKEN = { status: 200, changes: 1, applied: 'wait' };

test('three requests of a subject wait, and a further one is answered after a second', async () => {
  const [call, other] = [await api.createCaller(), await api.createCaller()];
  const requests = await takeAllPlaces(() => wait(call));
  // requests that do not wait take no place, and another subject has places of its own
  expect(await wait(call, 0)).toEqual(AT_ONCE);
  expect(await wait(other, 1)).toEqual({ ...AT_ONCE, applied: 'wait' });
  await create(call);
  const answers = await Promise.all(requests);
  expect(answers.filter(({ applied }) => applied === 'wait')).toEqual([WOKEN, WOKEN, WOKEN]);
  // their places are free again
  expect(await wait(call, 1, '1')).toEqual({ ...AT_ONCE, applied: 'wait' });
});

test('a request whose client disconnects gives its place back', async () => {
  const token = await api.issueToken({ sub: 'disconnecting' });
  const call = await api.createCaller({ sub: 'disconnecting' });
  const disconnecting = new AbortController();
  const requests = await takeAllPlaces(async () => {
    const response = await api.fetch('/api/v1/todos/changes?since=0', {
      headers: { authorization: `Bearer ${token}`, prefer: 'wait=20' },
      signal: disconnecting.signal,
    });
    return { ...AT_ONCE, applied: response.headers.get('preference-applied') };
  });
  disconnecting.abort();
  const settled = await Promise.allSettled(requests);
  expect(settled.filter(({ status }) => status === 'rejected')).toHaveLength(3);
  await vi.waitFor(async () => expect(await wait(call, 1)).toMatchObject({ applied: 'wait' }), { timeout: 10_000 });
});

test('a change is read once for all requests of a subject that wait for it', async () => {
  const call = await api.createCaller();
  const requests = await takeAllPlaces(() => wait(call));
  const statements = vi.spyOn(api.em.getConnection(), 'execute');
  const reads = () => statements.mock.calls.filter(([sql]) => String(sql).includes('from api.todo_change')).length;
  await create(call);
  expect((await Promise.all(requests)).filter(({ changes }) => changes === 1)).toEqual([WOKEN, WOKEN, WOKEN]);
  expect(reads()).toBe(1);
  // requests that do not wait read for themselves
  await Promise.all([wait(call), wait(call)]);
  expect(reads()).toBe(3);
});

type Answer = Awaited<ReturnType<typeof wait>>;

/** Sends five requests that prefer to wait, and returns them when two are answered: then the other three wait. */
async function takeAllPlaces(send: () => Promise<Answer>): Promise<Promise<Answer>[]> {
  const answers: Answer[] = [];
  const requests = Array.from({ length: 5 }, async () => {
    const answer = await send();
    answers.push(answer);
    return answer;
  });
  await vi.waitFor(() => expect(answers).toEqual([AT_ONCE, AT_ONCE]), { timeout: 15_000 });
  return requests;
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
