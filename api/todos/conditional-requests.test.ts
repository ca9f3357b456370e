import { afterAll, beforeAll, expect, test } from 'vitest';
import { Todo } from '../../shared/todo/todo.ts';
import { startApi } from '../testing/start-api.ts';

// one API for all tests of this file; each test has its own subject
let api: Awaited<ReturnType<typeof startApi>>;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api[Symbol.asyncDispose]());

test('a todo that the client has gets 304 until the todo changes', async () => {
  const call = await api.createCaller();
  const { id } = Todo.parse((await call('POST', '/api/v1/todos', { title: 'a' })).body);
  const get = (known: string) => call('GET', `/api/v1/todos/${id}`, undefined, { 'if-none-match': known });
  for (const known of ['"1"', 'W/"1"', '*', '"7", "1"', ' "1" ,"2"']) {
    const { status, headers, body } = await get(known);
    expect([known, status, headers.get('etag'), body]).toEqual([known, 304, '"1"', '']);
  }
  for (const known of ['"2"', '1', '', '"1', 'W/"2"']) expect([known, (await get(known)).status]).toEqual([known, 200]);
  await call('PATCH', `/api/v1/todos/${id}`, { title: 'b' });
  const changed = await get('"1"');
  expect([changed.status, changed.headers.get('etag')]).toEqual([200, '"2"']);
});

test('a page that the client has gets 304 until a todo on it changes', async () => {
  const call = await api.createCaller();
  const { id } = Todo.parse((await call('POST', '/api/v1/todos', { title: '0' })).body);
  for (const title of ['1', '2']) await call('POST', '/api/v1/todos', { title });
  const path = '/api/v1/todos?limit=2&count=true&sort=position';
  const tag = (await call('GET', path)).headers.get('etag') ?? '';
  expect(tag).toMatch(/^"[\w-]+"$/);
  const get = () => call('GET', path, undefined, { 'if-none-match': `"other", ${tag}` });
  const known = await get();
  expect([known.status, known.body, known.headers.get('etag')]).toEqual([304, '', tag]);
  await call('PATCH', `/api/v1/todos/${id}`, { title: 'changed' });
  const changed = await get();
  expect(changed.status).toBe(200);
  expect(changed.headers.get('etag')).not.toBe(tag);
});

test('the ETag of the last page changes when another page follows it', async () => {
  const call = await api.createCaller();
  await call('POST', '/api/v1/todos', { title: 'a' });
  const { headers, body } = await call('GET', '/api/v1/todos?limit=1');
  await call('POST', '/api/v1/todos', { title: 'b' });
  const known = { 'if-none-match': headers.get('etag') ?? '' };
  const now = await call('GET', '/api/v1/todos?limit=1', undefined, known);
  expect([now.status, now.body]).toEqual([200, body]);
  expect(now.headers.get('link')).toContain('rel="next"');
});

test.each([['*'], ['"1"'], ['"7", "1"'], [' "1" ,"7"']])(
  'If-Match: %s allows a change of version 1',
  async (ifMatch) => {
    const call = await api.createCaller();
    const { id } = Todo.parse((await call('POST', '/api/v1/todos', { title: 'a' })).body);
    const changed = await call('PATCH', `/api/v1/todos/${id}`, { title: 'b' }, { 'if-match': ifMatch });
    expect([changed.status, changed.headers.get('etag')]).toEqual([200, '"2"']);
  },
);

test.each([
  [
    'W/"1"',
    'A weak entity tag, with W/, matches no version. A proxy that compresses responses adds W/. Send If-Match: "1", if that is the version that you read.',
  ],
  [
    '1',
    'If-Match has no entity tag, which is in quotation marks. Send If-Match: "1", if that is the version that you read.',
  ],
  ['"7"', 'The todo has another version. Read it again, then decide.'],
])('a rejection of If-Match: %s says why', async (ifMatch, detail) => {
  const call = await api.createCaller();
  const { id } = Todo.parse((await call('POST', '/api/v1/todos', { title: 'a' })).body);
  const rejected = await call('PATCH', `/api/v1/todos/${id}`, { title: 'b' }, { 'if-match': ifMatch });
  expect(rejected).toMatchObject({ status: 412, body: { code: 'version_mismatch', detail, current_version: 1 } });
});

test.each([['"2"'], ['W/"1"'], ['1'], ['"1'], ['""'], [''], ['"1a"'], ['"2", W/"1"'], ["'1'"], ['"01"']])(
  'If-Match: %s rejects a change of version 1',
  async (ifMatch) => {
    const call = await api.createCaller();
    const todo = Todo.parse((await call('POST', '/api/v1/todos', { title: 'a' })).body);
    const path = `/api/v1/todos/${todo.id}`;
    const headers = { 'if-match': ifMatch };
    for (const rejected of [
      await call('PATCH', path, { title: 'b' }, headers),
      await call('PUT', path, { title: 'b' }, headers),
      // an update without changes is rejected too, because the client has not read the current version
      await call('PATCH', path, {}, headers),
      await call('DELETE', path, undefined, headers),
      await call('POST', `${path}/restore`, undefined, headers),
    ]) {
      expect(rejected).toMatchObject({
        status: 412,
        body: {
          code: 'version_mismatch',
          current_version: 1,
          errors: [{ field: 'if-match', expected: 'the current version of the todo' }],
        },
      });
      expect(rejected.headers.get('content-type')).toBe('application/problem+json');
    }
    expect((await call('GET', path)).body).toEqual(todo);
  },
);

test('preconditions are evaluated on every method', async () => {
  const call = await api.createCaller();
  const { id } = Todo.parse((await call('POST', '/api/v1/todos', { title: 'a' })).body);
  const path = `/api/v1/todos/${id}`;
  const rejected = (field: string) => ({
    status: 412,
    body: { code: 'version_mismatch', current_version: 1, errors: [{ field }] },
  });
  for (const known of ['*', '"1"', 'W/"1"', '"7", "1"']) {
    const headers = { 'if-none-match': known };
    for (const [method, to, body] of [
      ['PUT', path, { title: 'b' }],
      ['PATCH', path, { title: 'b' }],
      ['DELETE', path, undefined],
      ['POST', `${path}/restore`, undefined],
    ] as const)
      expect(await call(method, to, body, headers)).toMatchObject(rejected('if-none-match'));
  }
  expect(await call('GET', path, undefined, { 'if-match': '"2"' })).toMatchObject(rejected('if-match'));
  expect((await call('GET', path, undefined, { 'if-match': '"1"' })).status).toBe(200);
  // If-Match comes first
  const both = { 'if-match': '"2"', 'if-none-match': '*' };
  expect(await call('DELETE', path, undefined, both)).toMatchObject(rejected('if-match'));
  expect((await call('PUT', path, { title: 'b' }, { 'if-none-match': '"2"' })).status).toBe(200);
});

test.each(['PUT', 'PATCH'])('%s takes back the whole todo that was read', async (method) => {
  const call = await api.createCaller();
  const created = Todo.parse((await call('POST', '/api/v1/todos', { title: 'a', completed: true })).body);
  const path = `/api/v1/todos/${created.id}`;
  const changed = await call(method, path, { ...created, title: 'b' });
  expect(changed).toMatchObject({
    status: 200,
    body: { ...created, title: 'b', version: 2, updated_at: expect.anything() },
  });
  // what PUT stored is not what was sent
  expect(changed.headers.get('etag')).toBe(method === 'PUT' ? null : '"2"');
  expect(await call(method, path, { ...created, title: 'c' })).toMatchObject({
    status: 412,
    body: { code: 'version_mismatch', current_version: 2, errors: [{ field: 'version' }] },
  });
  const now = Todo.parse((await call('GET', path)).body);
  for (const [field, value] of [
    ['id', '00000000-0000-4000-8000-000000000000'],
    ['created_at', '2020-01-01T00:00:00Z'],
    ['updated_at', '2020-01-01T00:00:00Z'],
    ['completed_at', null],
  ])
    expect(await call(method, path, { ...now, title: 'd', [String(field)]: value })).toMatchObject({
      status: 400,
      body: { code: 'invalid_request', errors: [{ field }] },
    });
  expect((await call('GET', path)).body).toEqual(now);
});
