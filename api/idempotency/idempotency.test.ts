import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BatchResults } from '../../shared/todo/batch.ts';
import { Todo } from '../../shared/todo/todo.ts';
import { type Caller, resource, startApi } from '../testing/start-api.ts';
import { deleteExpiredKeys } from './idempotency.ts';

// one API for all tests of this file: each has a subject of its own
let api: Awaited<ReturnType<typeof startApi>>;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api[Symbol.asyncDispose]());

const once = (key: string = randomUUID()) => ({ 'idempotency-key': key });

test('the same key sent 20 times at once makes one todo, and every answer is the first one', async () => {
  const call = await api.createCaller();
  const headers = once();
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

test('the same key sent to two processes at once makes one todo', async () => {
  await using beside = await startApi({ sharedWith: api });
  const sub = randomUUID();
  const callers = [await api.createCaller({ sub }), await beside.createCaller({ sub })];
  for (let round = 0; round < 5; round += 1) {
    const headers = once();
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

test('the answer stays what it was, whatever becomes of the todo', async () => {
  const call = await api.createCaller();
  const headers = once();
  const post = (body: object) => call('POST', '/api/v1/todos', body, headers);
  const first = await post({ title: 'kept', position: 0.1, tags: ['b', 'a'] });
  const { id } = Todo.parse(first.body);
  await call('PATCH', `/api/v1/todos/${id}`, { title: 'renamed' });
  await call('DELETE', `/api/v1/todos/${id}`);
  // what is left out is what it would have been, in any order
  const again = await post({ tags: ['b', 'a'], completed: false, position: 0.1, title: 'kept' });
  expect([again.status, again.body, again.headers.get('etag')]).toEqual([201, first.body, '"1"']);
  expect((await call('GET', '/api/v1/todos')).body).toEqual([]);
});

test('a batch with a key is done once', async () => {
  const call = await api.createCaller();
  const headers = once();
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

test('an import with a key is done once', async () => {
  const call = await api.createCaller();
  const headers = { ...once(), 'content-type': 'application/jsonl' };
  const post = () => call('POST', '/api/v1/todos/import', Buffer.from('{"title":"one"}\n{"title":"two"}'), headers);
  for (const { status, body } of [await post(), await post()])
    expect({ status, body }).toEqual({ status: 200, body: { created: 2, skipped: 0 } });
  expect(titles(await call('GET', '/api/v1/todos'))).toEqual(['one', 'two']);
});

test('a key that was sent with another request is refused with 422', async () => {
  const call = await api.createCaller();
  const headers = once();
  expect((await call('POST', '/api/v1/todos', { title: 'one' }, headers)).status).toBe(201);
  const batch = { operations: [{ op: 'create', todo: { title: 'one' } }] };
  for (const refused of [
    await call('POST', '/api/v1/todos', { title: 'other' }, headers),
    await call('POST', '/api/v1/todos/batch', batch, headers),
  ]) {
    expect(refused).toMatchObject({ status: 422, body: { errors: [{ field: 'idempotency-key' }] } });
    expect(refused.headers.get('content-type')).toBe('application/problem+json');
  }
  expect(titles(await call('GET', '/api/v1/todos'))).toEqual(['one']);
});

test('a key is its own with each subject, and with and without quotes the same', async () => {
  const [one, other] = [await api.createCaller(), await api.createCaller()];
  const key = randomUUID();
  const post = async (call: Caller, headers: Record<string, string>) =>
    Todo.parse((await call('POST', '/api/v1/todos/', { title: 'a' }, headers)).body).id;
  const first = await post(one, once(key));
  expect(await post(one, once(`"${key}"`))).toBe(first);
  expect(await post(other, once(key))).not.toBe(first);
});

test('a request that was refused may be sent anew with its key', async () => {
  const call = await api.createCaller();
  const headers = once();
  expect((await call('POST', '/api/v1/todos', { title: '' }, headers)).status).toBe(400);
  const operations = [{ op: 'delete', id: randomUUID() }];
  expect((await call('POST', '/api/v1/todos/batch', { operations }, headers)).status).toBe(422);
  expect((await call('POST', '/api/v1/todos', { title: 'now right' }, headers)).status).toBe(201);
});

test('after 24 hours a key is as new, whether it was tidied away or not', async () => {
  const sub = randomUUID();
  const call = await api.createCaller({ sub });
  const headers = once();
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
])('the key %j is refused', async (key) => {
  const call = await api.createCaller();
  expect(await call('POST', '/api/v1/todos', { title: 'a' }, once(key))).toMatchObject({
    status: 400,
    body: { errors: [{ field: 'idempotency-key', expected: expect.any(String) }] },
  });
  expect((await call('GET', '/api/v1/todos')).body).toEqual([]);
});

// the embedded database has one connection: no second one could hold the key while a request runs
test.skipIf(process.env.TEST_DATABASE_URL === undefined)(
  'a key whose request still runs is refused with 409, in the other process too',
  async () => {
    await using beside = await startApi({ sharedWith: api });
    const sub = randomUUID();
    const [call, other] = [await api.createCaller({ sub }), await beside.createCaller({ sub })];
    const headers = once();
    const held = Promise.withResolvers<void>();
    const locked = Promise.withResolvers<void>();
    // the row that every writer of this subject needs
    await call('POST', '/api/v1/todos', { title: 'before' });
    const holding = api.em.fork().transactional(async (transaction) => {
      await transaction.execute('select 1 from api.todo_list where owner = ? for update', [sub]);
      locked.resolve();
      await held.promise;
    });
    await locked.promise;
    const first = call('POST', '/api/v1/todos', { title: 'runs' }, headers);
    await untilLocked();
    for (const post of [call, other]) {
      const refused = await post('POST', '/api/v1/todos', { title: 'runs' }, headers);
      expect(refused).toMatchObject({ status: 409, body: { errors: [{ field: 'idempotency-key' }] } });
      expect(refused.headers.get('retry-after')).toBe('1');
    }
    held.resolve();
    await holding;
    const { status, body } = await first;
    expect(status).toBe(201);
    expect((await other('POST', '/api/v1/todos', { title: 'runs' }, headers)).body).toEqual(body);
  },
);

async function untilLocked(): Promise<void> {
  for (;;) {
    const locks = await api.em
      .fork()
      .execute(
        "select 1 from pg_locks where locktype = 'advisory' and granted and database = (select oid from pg_database where datname = current_database())",
      );
    if (locks.length > 0) return;
    await delay(10);
  }
}

/** Sends a request again while the first one with its key runs, as a client does. */
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
