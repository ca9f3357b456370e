import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Caller, startApi } from '../testing/start-api.ts';

// one API for all tests of this file; each test has its own subject
const LIMIT = 5_000;
let api: Awaited<ReturnType<typeof startApi>>;
beforeAll(async () => {
  api = await startApi({ pointsPerMinute: LIMIT });
});
afterAll(() => api[Symbol.asyncDispose]());

const JSON_LINES = { 'content-type': 'application/jsonl' };
const create = { op: 'create', todo: { title: 'a' } };

/** The points that are left after a response. */
function left({ headers }: { headers: Headers }): number {
  return Number(/r=(\d+)/.exec(headers.get('ratelimit') ?? '')?.[1]);
}

test.each<[string, (call: Caller) => ReturnType<Caller>, number, number]>([
  ['a list', (call) => call('GET', '/api/v1/todos?limit=200'), 200, 1],
  ['a new todo', (call) => call('POST', '/api/v1/todos', { title: 'a' }), 201, 1],
  ['a long todo', (call) => call('POST', '/api/v1/todos', { title: 'a', description: 'b'.repeat(10_000) }), 201, 3],
  [
    'a batch of 7 operations',
    (call) => call('POST', '/api/v1/todos/batch', { operations: Array(7).fill(create) }),
    200,
    7,
  ],
  ['an import of 100 lines', (call) => importLines(call, '{"title":"a"}\n'.repeat(100)), 200, 5],
  ['an import of 40 kB', (call) => importLines(call, `{"title":"a"}${' '.repeat(39_987)}`), 200, 10],
  ['an import of 40 kB of blank lines', (call) => importLines(call, `${' '.repeat(39)}\n`.repeat(1_000)), 200, 10],
  ['a request that does not wait', (call) => call('GET', '/api/v1/todos/changes?since=0'), 200, 1],
  ['a wait', (call) => call('GET', '/api/v1/todos/changes', undefined, { prefer: 'wait=5' }), 200, 2],
  ['a query that is rejected', (call) => call('GET', '/api/v1/todos?limit=0'), 400, 1],
  ['a body that is rejected', (call) => call('POST', '/api/v1/todos', { titel: 'a' }), 400, 11],
  ['a body that is not JSON', (call) => call('PATCH', '/api/v1/todos/a', Buffer.from('{')), 400, 11],
  [
    'a batch of 40 kB that is rejected',
    (call) => call('POST', '/api/v1/todos/batch', { a: 'b'.repeat(39_992) }),
    400,
    20,
  ],
  ['an import of 40 kB that is rejected', (call) => importLines(call, `{}\n`.repeat(20).padEnd(40_000)), 400, 20],
  ['a body that is too large', (call) => call('POST', '/api/v1/todos', { title: 'a'.repeat(100_000) }), 413, 11],
])('%s costs its points', async (_name, send, status, points) => {
  const call = await api.createCaller();
  const response = await send(call);
  expect({ status: response.status, points: LIMIT - left(response) }).toEqual({ status, points });
  // and no more after the response
  expect(LIMIT - left(await call('GET', '/api/v1/todos'))).toBe(points + 1);
});

test('each page of an export costs a point', async () => {
  const call = await api.createCaller();
  await importLines(call, '{"title":"a"}\n'.repeat(500));
  const before = left(await call('GET', '/api/v1/todos'));
  expect(before - left(await call('GET', '/api/v1/todos/export'))).toBe(1);
  // the first page belongs to the request, and there are two more
  expect(before - left(await call('GET', '/api/v1/todos'))).toBe(4);
});

test('a batch for which the points do not suffice is rejected and changes nothing', async () => {
  await using strict = await startApi({ pointsPerMinute: 10 });
  const call = await strict.createCaller();
  await call('GET', '/api/v1/todos');
  const rejected = await call('POST', '/api/v1/todos/batch', { operations: Array(10).fill(create) });
  expect(rejected).toMatchObject({ status: 429, body: { code: 'rate_limited', limit: 10, window_seconds: 60 } });
  const seconds = Number(rejected.headers.get('retry-after'));
  expect(seconds).toBeGreaterThan(0);
  expect(rejected.headers.get('ratelimit')).toBe(`"default";r=0;t=${seconds}`);
  expect(await strict.em.execute('select 1 from api.todo')).toEqual([]);
  // a batch that costs more than the whole limit is possible
  const fresh = await strict.createCaller();
  expect(await fresh('POST', '/api/v1/todos/batch', { operations: Array(50).fill(create) })).toMatchObject({
    status: 200,
  });
});

test('a rejected body that uses up the points is still answered with what is wrong', async () => {
  await using strict = await startApi({ pointsPerMinute: 10 });
  const call = await strict.createCaller();
  const rejected = await call('POST', '/api/v1/todos', {});
  expect([rejected.status, rejected.headers.get('ratelimit')]).toEqual([400, '"default";r=0;t=60']);
  expect(await call('GET', '/api/v1/todos')).toMatchObject({ status: 429 });
});

function importLines(call: Caller, lines: string) {
  return call('POST', '/api/v1/todos/import', Buffer.from(lines), JSON_LINES);
}
