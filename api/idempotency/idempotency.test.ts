import { hash, randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BatchResults } from '../../shared/todo/batch.ts';
import { Todo } from '../../shared/todo/todo.ts';
import { type Caller, resource, startApi } from '../testing/start-api.ts';
import { deleteExpiredKeys } from './idempotency.ts';

// one API for all tests of this file; each test has its own subject
let api: Awaited<ReturnType<typeof startApi>>;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api[Symbol.asyncDispose]());

const withKey = (key: string = randomUUID()) => ({ 'idempotency-key': key });

test('20 concurrent requests with one key create one todo and get the same response', async () => {
  const call = await api.createCaller();
  const headers = withKey();
  const post = () => untilDone(() => call('POST', '/api/v1/todos', { title: 'once' }, headers));
  const answers = await Promise.all(Array.from({ length: 20 }, post));
  const [first] = answers;
  const todo = Todo.parse(first?.body);
  for (const { status, headers, body } of answers) {
    expect({ status, body }).toEqual({ status: 201, body: todo });
    expect(headers.get('location')).toBe(`${resource}/todos/${todo.id}`);
    expect(headers.get('etag')).toBe('"1"');
  }
  expect((await call('GET', '/api/v1/todos')).body).toEqual([todo]);
});

test('concurrent requests with one key to two processes create one todo', async () => {
  await using beside = await startApi({ sharedWith: api });
  const sub = randomUUID();
  const callers = [await api.createCaller({ sub }), await beside.createCaller({ sub })];
  for (let round = 0; round < 5; round += 1) {
    const headers = withKey();
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => callers)
        .flat()
        .map((call) => untilDone(() => call('POST', '/api/v1/todos', { title: `round ${round}` }, headers))),
    );
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 201));
    expect(new Set(answers.map(({ body }) => Todo.parse(body).id)).size).toBe(1);
  }
  for (const call of callers)
    expect(titles(await call('GET', '/api/v1/todos'))).toEqual([0, 1, 2, 3, 4].map((round) => `round ${round}`));
});

test('a repeated request gets the first response, also after the todo was changed and deleted', async () => {
  const call = await api.createCaller();
  const headers = withKey();
  const post = (body: object) => call('POST', '/api/v1/todos', body, headers);
  const first = await post({ title: 'kept', position: 0.1, tags: ['b', 'a'] });
  const { id } = Todo.parse(first.body);
  await call('PATCH', `/api/v1/todos/${id}`, { title: 'renamed' });
  await call('DELETE', `/api/v1/todos/${id}`);
  // the same request: fields in another order, and a default value that the first request omitted
  const again = await post({ tags: ['b', 'a'], completed: false, position: 0.1, title: 'kept' });
  expect([again.status, again.body, again.headers.get('etag')]).toEqual([201, first.body, '"1"']);
  expect((await call('GET', '/api/v1/todos')).body).toEqual([]);
});

test('a repeated batch with a key is executed once', async () => {
  const call = await api.createCaller();
  const headers = withKey();
  const operations = [
    { op: 'create', todo: { title: 'one' } },
    { op: 'create', todo: { title: 'two' } },
  ];
  const post = () => untilDone(() => call('POST', '/api/v1/todos/batch', { operations }, headers));
  const answers = await Promise.all([post(), post(), post()]);
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
  expect(answers.map(({ body }) => BatchResults.parse(body))).toEqual(answers.map(() => answers[0]?.body));
  expect(titles(await call('GET', '/api/v1/todos'))).toEqual(['one', 'two']);
});

test('a repeated import with a key is executed once', async () => {
  const call = await api.createCaller();
  const headers = { ...withKey(), 'content-type': 'application/jsonl' };
  const post = () => call('POST', '/api/v1/todos/import', Buffer.from('{"title":"one"}\n{"title":"two"}'), headers);
  for (const { status, body } of [await post(), await post()])
    expect({ status, body }).toEqual({ status: 200, body: { created: 2, skipped: 0 } });
  expect(titles(await call('GET', '/api/v1/todos'))).toEqual(['one', 'two']);
});

test('a field that a request omits is not in its fingerprint, so that a version with more fields knows the request', async () => {
  const sub = randomUUID();
  const call = await api.createCaller({ sub });
  const todo = { title: 'a', tags: ['b'] };
  for (const [path, content, body = content, type = 'application/json'] of [
    ['/api/v1/todos', todo],
    ['/api/v1/todos/batch', { operations: [{ op: 'create', todo }] }],
    ['/api/v1/todos/import', [todo], Buffer.from(JSON.stringify(todo)), 'application/jsonl'],
  ] as const) {
    expect((await call('POST', path, body, { ...withKey(path), 'content-type': type })).status).toBeLessThan(300);
    expect(await fingerprintOf(path)).toBe(hash('sha256', JSON.stringify([path, content]), 'base64url'));
  }
  // in an update, a default value is a change
  const created = Todo.parse((await call('POST', '/api/v1/todos', { title: 'a' })).body);
  const batch = (changes: object) =>
    call('POST', '/api/v1/todos/batch', { operations: [{ op: 'update', id: created.id, changes }] }, withKey('update'));
  expect((await batch({ completed: true, priority: 4 })).status).toBe(200);
  expect((await batch({ completed: true })).status).toBe(422);

  async function fingerprintOf(key: string): Promise<unknown> {
    const select = 'select fingerprint from api.idempotency_key where owner = ? and key = ?';
    const [row] = await api.em.fork().execute<{ fingerprint: string }[]>(select, [sub, key]);
    return row?.fingerprint;
  }
});

test('a key of a different request is rejected with 422', async () => {
  const call = await api.createCaller();
  const headers = withKey();
  expect((await call('POST', '/api/v1/todos', { title: 'one' }, headers)).status).toBe(201);
  const batch = { operations: [{ op: 'create', todo: { title: 'one' } }] };
  for (const rejected of [
    await call('POST', '/api/v1/todos', { title: 'other' }, headers),
    await call('POST', '/api/v1/todos/batch', batch, headers),
  ]) {
    expect(rejected).toMatchObject({ status: 422, body: { errors: [{ field: 'idempotency-key' }] } });
    expect(rejected.headers.get('content-type')).toBe('application/problem+json');
  }
  expect(titles(await call('GET', '/api/v1/todos'))).toEqual(['one']);
});

test('two subjects can use the same key, and quotes do not change a key', async () => {
  const [one, other] = [await api.createCaller(), await api.createCaller()];
  const key = randomUUID();
  const post = async (call: Caller, headers: Record<string, string>) =>
    Todo.parse((await call('POST', '/api/v1/todos/', { title: 'a' }, headers)).body).id;
  const first = await post(one, withKey(key));
  expect(await post(one, withKey(`"${key}"`))).toBe(first);
  expect(await post(other, withKey(key))).not.toBe(first);
});

test('a key of a rejected request can be used again', async () => {
  const call = await api.createCaller();
  const headers = withKey();
  expect((await call('POST', '/api/v1/todos', { title: '' }, headers)).status).toBe(400);
  const operations = [{ op: 'delete', id: randomUUID() }];
  expect((await call('POST', '/api/v1/todos/batch', { operations }, headers)).status).toBe(422);
  expect((await call('POST', '/api/v1/todos', { title: 'now right' }, headers)).status).toBe(201);
});

test('a key expires after 24 hours, also if it is not deleted yet', async () => {
  const sub = randomUUID();
  const call = await api.createCaller({ sub });
  const headers = withKey();
  const post = async (title: string) => (await call('POST', '/api/v1/todos', { title }, headers)).status;
  const age = (interval: string) =>
    api.em
      .fork()
      .execute(`update api.idempotency_key set created_at = now() - interval '${interval}' where owner = ?`, [sub]);
  expect(await post('first')).toBe(201);
  await age('23 hours 59 minutes');
  await deleteExpiredKeys(api.em);
  expect(await post('second')).toBe(422);
  await age('24 hours 1 minute');
  expect(await post('second')).toBe(201);
  expect(await post('second')).toBe(201);
  await age('24 hours 1 minute');
  await deleteExpiredKeys(api.em);
  expect(await api.em.fork().execute('select 1 from api.idempotency_key where owner = ?', [sub])).toEqual([]);
  expect(await post('third')).toBe(201);
  expect(titles(await call('GET', '/api/v1/todos'))).toEqual(['first', 'second', 'third']);
});

test.each([
  ['keys', 10_000, '', 10_000],
  // random text, which cannot be compressed
  ['bytes', 20_000_000, randomBytes(800_000).toString('base64'), 20],
])('a subject with too many stored answers gets 429 for a new key (%s)', async (unit, limit, answer, keys) => {
  const sub = randomUUID();
  const [call, other] = [await api.createCaller({ sub }), await api.createCaller()];
  const headers = withKey();
  const post = (headers: Record<string, string>) => call('POST', '/api/v1/todos', { title: 'a' }, headers);
  const first = await post(headers);
  const insert = `insert into api.idempotency_key (owner, key, fingerprint, answer, created_at)
    select ?, 'key ' || n, '', ?::json, now() - interval '23 hours 59 minutes' from generate_series(1, ?) n`;
  await api.em.fork().execute(insert, [sub, JSON.stringify({ answer }), keys]);

  const rejected = await post(withKey());
  expect(rejected).toMatchObject({
    status: 429,
    body: { code: 'idempotency_quota_exceeded', limit, unit, used: expect.any(Number) },
  });
  expect(Object(rejected.body).used).toBeGreaterThanOrEqual(limit);
  const retryAfter = Number(rejected.headers.get('retry-after'));
  expect(retryAfter).toBeGreaterThan(0);
  expect(retryAfter).toBeLessThanOrEqual(60);
  for (const path of ['/api/v1/todos/batch', '/api/v1/todos/import'])
    expect(
      await (path.endsWith('batch')
        ? call('POST', path, { operations: [{ op: 'create', todo: { title: 'a' } }] }, withKey())
        : call('POST', path, Buffer.from('{"title":"a"}'), { ...withKey(), 'content-type': 'application/jsonl' })),
    ).toMatchObject({ status: 429, body: { code: 'idempotency_quota_exceeded' } });

  // a known key, a request without a key and another subject are not affected
  expect((await post(headers)).body).toEqual(first.body);
  expect((await post({})).status).toBe(201);
  expect((await other('POST', '/api/v1/todos', { title: 'a' }, withKey())).status).toBe(201);
  // answers that have expired do not count
  const expire = "update api.idempotency_key set created_at = created_at - interval '1 hour' where owner = ?";
  await api.em.fork().execute(expire, [sub]);
  expect((await post(withKey())).status).toBe(201);
});

test.each([
  '',
  '""',
  'two words',
  'a, b',
  '"a", "b"',
  '"open',
  'a"b',
  'back\\slash',
  'ümlaut',
  'a'.repeat(256),
  `"${'a'.repeat(256)}"`,
])('the key %j is rejected', async (key) => {
  const call = await api.createCaller();
  expect(await call('POST', '/api/v1/todos', { title: 'a' }, withKey(key))).toMatchObject({
    status: 400,
    body: { errors: [{ field: 'idempotency-key', expected: expect.any(String) }] },
  });
  expect((await call('GET', '/api/v1/todos')).body).toEqual([]);
});

test.each([
  ['"k", "l"', 'one key, not a list'],
  ['"k";', 'a name after each semicolon, as parameters have one'],
  ['"k";a=1;', 'a name after each semicolon, as parameters have one'],
  ['"k";=1', 'a name after each semicolon, as parameters have one'],
  ['"k";A=1', '1 to 255 visible characters, with or without quotation marks around them'],
])('the error of the key %j says what is expected: %s', async (key, expected) => {
  const call = await api.createCaller();
  expect(await call('POST', '/api/v1/todos', { title: 'a' }, withKey(key))).toMatchObject({
    status: 400,
    body: { errors: [{ field: 'idempotency-key', expected }] },
  });
});

// the embedded database has only one connection, so no second one can hold the lock while a request runs
test.skipIf(process.env.TEST_DATABASE_URL === undefined)(
  'a key whose request still runs is rejected with 409, and in another process it waits for the answer',
  async () => {
    await using beside = await startApi({ sharedWith: api });
    const sub = randomUUID();
    const [call, other] = [await api.createCaller({ sub }), await beside.createCaller({ sub })];
    const headers = withKey();
    const held = Promise.withResolvers<void>();
    const locked = Promise.withResolvers<void>();
    // the row that every write of this subject locks
    await call('POST', '/api/v1/todos', { title: 'before' });
    const holding = api.em.fork().transactional(async (transaction) => {
      await transaction.execute('select 1 from api.todo_list where owner = ? for update', [sub]);
      locked.resolve();
      await held.promise;
    });
    await locked.promise;
    const first = call('POST', '/api/v1/todos', { title: 'runs' }, headers);
    await delay(100);
    const rejected = await call('POST', '/api/v1/todos', { title: 'runs' }, headers);
    expect(rejected).toMatchObject({ status: 409, body: { errors: [{ field: 'idempotency-key' }] } });
    expect(rejected.headers.get('retry-after')).toBe('1');
    const second = other('POST', '/api/v1/todos', { title: 'runs' }, headers);
    await delay(100);
    held.resolve();
    await holding;
    const { status, body } = await first;
    expect(status).toBe(201);
    expect((await second).body).toEqual(body);
    expect((await other('POST', '/api/v1/todos', { title: 'runs' }, headers)).body).toEqual(body);
  },
);

/** Retries a request while the first request with its key runs, as a client does. */
async function untilDone(send: () => ReturnType<Caller>): ReturnType<Caller> {
  const answer = await send();
  if (answer.status !== 409) return answer;
  expect(answer.body).toMatchObject({ errors: [{ field: 'idempotency-key' }] });
  await delay(20);
  return untilDone(send);
}

function titles({ body }: { body: unknown }): string[] {
  return Todo.array()
    .parse(body)
    .map(({ title }) => title);
}

test('a key is a String of structured fields with any parameters, or has no quotes', async () => {
  const call = await api.createCaller();
  const create = async (key: string) => {
    const { status, body } = await call('POST', '/api/v1/todos', { title: 'a' }, { 'idempotency-key': key });
    return status === 201 ? Object(body).id : status;
  };
  const id = await create('k');
  for (const key of ['"k"', '"k";a=1', '"k";a=%"c%c3%bc"', '"k"; a ;b="c\\"d"'])
    expect([key, await create(key)]).toEqual([key, id]);
  const escaped = await create('"a\\"b"');
  expect(escaped).not.toBe(id);
  expect(await create('"a\\"b";x')).toBe(escaped);
  for (const key of ['"', '"a', 'a b', '"a"b', '"a";', '""', '"a\\b"', `"${'x'.repeat(256)}"`])
    expect([key, await create(key)]).toEqual([key, 400]);
});
