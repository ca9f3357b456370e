import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ChangeFeed } from '../../../shared/todo/change-feed.ts';
import { Todo } from '../../../shared/todo/todo.ts';
import { type Caller, startApi } from '../../testing/start-api.ts';

// one API for all tests of this file; each test has its own subject
let api: Awaited<ReturnType<typeof startApi>>;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api[Symbol.asyncDispose]());

test('with If-Match, 10 concurrent writers of one todo lose no change', async () => {
  await using beside = await startApi({ sharedWith: api });
  const sub = randomUUID();
  const callers = [await api.createCaller({ sub }), await beside.createCaller({ sub })];
  const [call] = callers;
  if (call === undefined) throw new Error('expected a caller');
  const todo = await create(call, { description: '' });
  let rejected = 0;
  const writers = Array.from({ length: 10 }, async (_, writer) => {
    const call = callers[writer % 2] ?? raise();
    for (let done = 0; done < 5; ) {
      const read = await call('GET', `/api/v1/todos/${todo.id}`);
      const { description, version } = Todo.parse(read.body);
      const changes = { description: `${description}${writer}.${done} ` };
      const etag = read.headers.get('etag') ?? '';
      expect(etag).toBe(`"${version}"`);
      const { status, body } = await call('PATCH', `/api/v1/todos/${todo.id}`, changes, { 'if-match': etag });
      if (status === 200) {
        expect(body).toMatchObject({ ...changes, version: version + 1 });
        done += 1;
      } else {
        expect({ status, body }).toMatchObject({ status: 412, body: { errors: [{ field: 'if-match' }] } });
        rejected += 1;
      }
    }
  });
  await Promise.all(writers);
  const { description, version } = Todo.parse((await call('GET', `/api/v1/todos/${todo.id}`)).body);
  const expected = Array.from({ length: 50 }, (_, index) => `${Math.floor(index / 5)}.${index % 5}`);
  expect(description?.trim().split(' ').sort()).toEqual(expected);
  expect(version).toBe(51);
  // some writers did conflict
  expect(rejected).toBeGreaterThan(0);
});

test('without If-Match, concurrent changes of different fields are all stored', async () => {
  const call = await api.createCaller();
  const todo = await create(call);
  const changes = [{ title: 'b' }, { description: 'c' }, { completed: true }, { priority: 1 }, { tags: ['d'] }];
  await Promise.all(changes.map((change) => call('PATCH', `/api/v1/todos/${todo.id}`, change)));
  expect((await call('GET', `/api/v1/todos/${todo.id}`)).body).toMatchObject({
    ...Object.assign({}, ...changes),
    version: 6,
  });
});

test('two changes of an owner never have the same time, also if the clock goes back', async () => {
  const sub = randomUUID();
  const call = await api.createCaller({ sub });
  await create(call);
  await api.em.fork().execute("update api.todo_list set changed_at = '2100-01-01' where owner = ?", [sub]);
  const times = [await create(call), await create(call)].map(({ created_at }) => created_at);
  expect(times).toEqual(['2100-01-01T00:00:00.001Z', '2100-01-01T00:00:00.002Z']);
});

test('a deleted todo is in no response, and a restore brings it back unchanged', async () => {
  const call = await api.createCaller();
  const todo = await create(call, { title: 'lost', tags: ['a'], completed: true });
  expect((await call('DELETE', `/api/v1/todos/${todo.id}`)).status).toBe(200);
  expect((await call('GET', '/api/v1/todos?q=lost')).body).toEqual([]);
  expect((await call('GET', '/api/v1/todos/export')).body).toBe('');
  for (const [method, body] of [['GET'], ['PATCH', {}], ['PUT', {}], ['DELETE']] as const)
    expect((await call(method, `/api/v1/todos/${todo.id}`, body)).status).toBe(404);
  const restored = await call('POST', `/api/v1/todos/${todo.id}/restore`);
  expect(restored).toMatchObject({
    status: 200,
    body: { ...todo, version: 3, updated_at: expect.any(String) },
  });
  expect(restored.headers.get('etag')).toBe('"3"');
  expect((await call('GET', `/api/v1/todos/${todo.id}`)).body).toEqual(restored.body);
  expect((await call('GET', '/api/v1/todos?q=lost&tag=a&completed=true')).body).toEqual([restored.body]);
});

test('restoring a todo that is not deleted changes nothing', async () => {
  const call = await api.createCaller();
  const todo = await create(call);
  const restored = await call('POST', `/api/v1/todos/${todo.id}/restore`);
  expect([restored.status, restored.body, restored.headers.get('etag')]).toEqual([200, todo, '"1"']);
});

test('delete and restore reject another version than If-Match names', async () => {
  const call = await api.createCaller();
  const { id } = await create(call);
  const path = `/api/v1/todos/${id}`;
  const rejection = { status: 412, body: { errors: [{ field: 'if-match', expected: expect.any(String) }] } };
  expect(await call('DELETE', path, undefined, { 'if-match': '"2"' })).toMatchObject(rejection);
  expect((await call('DELETE', path, undefined, { 'if-match': '"1"' })).status).toBe(200);
  expect(await call('POST', `${path}/restore`, undefined, { 'if-match': '"1"' })).toMatchObject(rejection);
  expect((await call('GET', path)).status).toBe(404);
  expect((await call('POST', `${path}/restore`, undefined, { 'if-match': '"2"' })).status).toBe(200);
});

test('restore answers 404 for a deleted todo of another subject, an unknown id and an invalid id', async () => {
  const [owner, other] = [await api.createCaller(), await api.createCaller()];
  const { id } = await create(owner);
  await owner('DELETE', `/api/v1/todos/${id}`);
  for (const absent of [id, randomUUID(), 'none', '%00'])
    expect(await other('POST', `/api/v1/todos/${absent}/restore`)).toMatchObject({
      status: 404,
      body: { errors: [{ field: 'id' }] },
    });
  expect((await owner('POST', `/api/v1/todos/${id}/restore`)).status).toBe(200);
});

test('a purge removes only todos that were deleted more than 30 days ago', async () => {
  const sub = randomUUID();
  const call = await api.createCaller({ sub });
  const [kept, recent, old] = [await create(call), await create(call), await create(call)];
  for (const { id } of [recent, old]) await call('DELETE', `/api/v1/todos/${id}`);
  await setDeletedAt(sub, recent.id, '29 days');
  await setDeletedAt(sub, old.id, '31 days');
  await api.todos.purge();
  expect((await call('POST', `/api/v1/todos/${old.id}/restore`)).status).toBe(404);
  expect((await call('POST', `/api/v1/todos/${recent.id}/restore`)).status).toBe(200);
  expect((await call('GET', `/api/v1/todos/${kept.id}`)).body).toEqual(kept);
});

test('a purge removes old changes, and a reader that has not read them gets 410', async () => {
  const sub = randomUUID();
  const call = await api.createCaller({ sub });
  for (let index = 0; index < 4; index += 1) await create(call);
  await api.em
    .fork()
    .execute("update api.todo_change set at = at - interval '31 days' where owner = ? and sequence <= 2", [sub]);
  await api.todos.purge();
  await api.todos.purge();
  for (const since of [0, 1, 5]) {
    expect(await call('GET', `/api/v1/todos/changes?since=${since}`)).toMatchObject({
      status: 410,
      body: { errors: [{ field: 'since', expected: 'a position from 2 to 4' }] },
    });
  }
  const { changes, next } = ChangeFeed.parse((await call('GET', '/api/v1/todos/changes?since=2')).body);
  expect([changes.length, next]).toEqual([2, '4']);
});

// the embedded database runs one transaction at a time
test.skipIf(process.env.TEST_DATABASE_URL === undefined)(
  'a purge waits for a running write, and a todo that this write restores stays',
  async () => {
    const sub = randomUUID();
    const call = await api.createCaller({ sub });
    const { id } = await create(call);
    await call('DELETE', `/api/v1/todos/${id}`);
    await setDeletedAt(sub, id, '31 days');
    await using beside = await startApi({ sharedWith: api });
    const [held, locked] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const holding = api.em.fork().transactional(async (transaction) => {
      await transaction.execute('select 1 from api.todo_list where owner = ? for update', [sub]);
      locked.resolve();
      await held.promise;
    });
    await locked.promise;
    const restoring = call('POST', `/api/v1/todos/${id}/restore`);
    await delay(100);
    const purging = [api.todos.purge(), beside.todos.purge()];
    await delay(100);
    held.resolve();
    await holding;
    expect((await restoring).status).toBe(200);
    await Promise.all(purging);
    expect((await call('GET', `/api/v1/todos/${id}`)).status).toBe(200);
  },
);

function setDeletedAt(owner: string, id: string, ago: string) {
  return api.em
    .fork()
    .execute(`update api.todo set deleted_at = now() - interval '${ago}' where owner = ? and id = ?`, [owner, id]);
}

async function create(call: Caller, fields: object = {}): Promise<Todo> {
  const { status, body } = await call('POST', '/api/v1/todos', { title: 'a', ...fields });
  expect(status).toBe(201);
  return Todo.parse(body);
}

function raise(): never {
  throw new Error('expected a caller');
}

test('writes whose lists another process holds wait without a connection, and delay no other owner', async ({
  skip,
}) => {
  await using api = await startApi();
  skip(api.database.kind === 'embedded', 'the embedded database has one connection');
  const subjects = [randomUUID(), randomUUID()];
  const callers = await Promise.all(subjects.map((sub) => api.createCaller({ sub })));
  const [other, another] = [await api.createCaller(), await api.createCaller()];
  for (const call of [...callers, other]) await create(call);
  const [held, locked] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const holding = api.em.fork().transactional(async (transaction) => {
    await transaction.execute('select 1 from api.todo_list where owner in (?, ?) for update', subjects);
    locked.resolve();
    await held.promise;
  });
  await locked.promise;
  let written = 0;
  const writes = callers.flatMap((call) =>
    Array.from({ length: 15 }, async () => {
      const { status } = await call('POST', '/api/v1/todos', { title: 'waits' });
      written += 1;
      return status;
    }),
  );
  await delay(200);
  // small and large writes of others, and the first write of a subject
  await create(other);
  await create(another);
  const operations = Array.from({ length: 20 }, () => ({ op: 'create', todo: { title: 'not blocked' } }));
  expect((await other('POST', '/api/v1/todos/batch', { operations })).status).toBe(200);
  expect((await other('GET', '/api/v1/todos')).status).toBe(200);
  expect(written).toBe(0);
  const waiting = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
  expect(await api.em.fork().execute(waiting)).toEqual([]);
  held.resolve();
  await holding;
  expect(await Promise.all(writes)).toEqual(writes.map(() => 201));
});

test('a waiting write is cancelled when its client disconnects or its access token is revoked', async () => {
  let revoked = false;
  await using api = await startApi({ isRevoked: () => revoked });
  const sub = randomUUID();
  const call = await api.createCaller({ sub });
  const { id } = Todo.parse((await call('POST', '/api/v1/todos', { title: 'before' })).body);
  const hold = async (during: () => Promise<unknown>) => {
    const [held, begun] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const beforeWrite = async () => {
      begun.resolve();
      await held.promise;
    };
    const holding = api.todos.write(sub, { ids: [], apply: () => undefined }, { beforeWrite });
    await begun.promise;
    await during();
    held.resolve();
    await holding;
  };

  const disconnected = new AbortController();
  await hold(async () => {
    const headers = { authorization: `Bearer ${await api.issueToken({ sub })}`, 'content-type': 'application/json' };
    const body = JSON.stringify({ title: 'disconnected' });
    const { signal } = disconnected;
    const waiting = fetch(`http://127.0.0.1:${api.port}/api/v1/todos`, { method: 'POST', headers, body, signal });
    await delay(100);
    disconnected.abort();
    await expect(waiting).rejects.toThrow();
    await delay(100);
  });

  const waiting: ReturnType<Caller>[] = [];
  await hold(async () => {
    waiting.push(
      call('POST', '/api/v1/todos', { title: 'revoked' }),
      call('PATCH', `/api/v1/todos/${id}`, { title: 'revoked' }),
      call('DELETE', `/api/v1/todos/${id}`),
    );
    await delay(100);
    revoked = true;
  });
  for (const { status, headers } of await Promise.all(waiting)) {
    expect(status).toBe(401);
    expect(headers.get('www-authenticate')).toContain('error_description="The access token was revoked"');
  }
  revoked = false;
  expect(Todo.array().parse((await call('GET', '/api/v1/todos')).body)).toMatchObject([{ id, title: 'before' }]);
});
