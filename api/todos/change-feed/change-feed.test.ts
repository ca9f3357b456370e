import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ChangeFeed, type TodoChange } from '../../../shared/todo/change-feed.ts';
import { Todo } from '../../../shared/todo/todo.ts';
import { type Caller, startApi } from '../../testing/start-api.ts';

// one API for all tests of this file; each test has its own subject
let api: Awaited<ReturnType<typeof startApi>>;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api[Symbol.asyncDispose]());

/** The title of the last todo. A reader stops after it. */
const LAST = 'that was all';

test('the change feed keeps 100 MB of changes, and a reader that has not read the oldest gets 410', async () => {
  const sub = randomUUID();
  const call = await api.createCaller({ sub });
  const lines = Array.from({ length: 250 }, (_, index) => `{"title":"todo ${index}"}`).join('\n');
  await call('POST', '/api/v1/todos/import', Buffer.from(lines), { 'content-type': 'application/jsonl' });
  const kept = async () => {
    const [list] = await api.em.fork().execute<object[]>(
      `select forgotten::int as forgotten, change_bytes::int as bytes,
           (select count(*)::int from api.todo_change where owner = list.owner) as changes
         from api.todo_list list where owner = ?`,
      [sub],
    );
    return list;
  };
  const write = () => call('POST', '/api/v1/todos', { title: 'one more' });
  await api.em.fork().execute('update api.todo_list set change_bytes = 99999000 where owner = ?', [sub]);
  expect((await write()).status).toBe(201);
  expect(await kept()).toMatchObject({ forgotten: 0, changes: 251 });
  await api.em.fork().execute('update api.todo_list set change_bytes = 100000000 where owner = ?', [sub]);
  expect((await write()).status).toBe(201);
  // the oldest 100 are deleted before the next write
  await expect.poll(kept).toMatchObject({ forgotten: 100, changes: 152 });
  expect(Object(await kept()).bytes).toBeLessThan(100_000_000);
  expect(await call('GET', '/api/v1/todos/changes?since=99')).toMatchObject({
    status: 410,
    body: { code: 'changes_expired', oldest: 100, newest: 252 },
  });
  const { changes } = ChangeFeed.parse((await call('GET', '/api/v1/todos/changes?since=100')).body);
  expect(changes).toHaveLength(152);
  // a wrong counter never deletes the newest changes
  await api.em.fork().execute('update api.todo_list set change_bytes = 900000000 where owner = ?', [sub]);
  expect((await write()).status).toBe(201);
  await expect.poll(kept).toMatchObject({ forgotten: 200, changes: 53 });
});

test('two readers see every change once and in order while 20 writers work', async () => {
  const sub = randomUUID();
  const call = await api.createCaller({ sub });
  const reading = [read(call, { limit: 3, pause: 0 }), read(call, { limit: 200, pause: 40 })];
  const todos = await writeMuch(call, [call]);
  const [one, other] = await Promise.all(reading);
  expectComplete(one, todos);
  expect(other).toEqual(one);
});

test('two readers see every change once and in order while the writers use another process', async () => {
  await using beside = await startApi({ sharedWith: api });
  const sub = randomUUID();
  const [call, writer] = [await api.createCaller({ sub }), await beside.createCaller({ sub })];
  const reading = [read(call, { limit: 7, pause: 15 }), read(call, { limit: 200, pause: 0 })];
  const todos = await writeMuch(call, [writer, call, writer]);
  const [one, other] = await Promise.all(reading);
  expectComplete(one, todos);
  expect(other).toEqual(one);
});

test('each kind of change wakes a waiting reader, also a change from another process', async () => {
  await using beside = await startApi({ sharedWith: api });
  const sub = randomUUID();
  const [call, other] = [await api.createCaller({ sub }), await beside.createCaller({ sub })];
  const { id } = Todo.parse((await call('POST', '/api/v1/todos', { title: 'a' })).body);
  let since = '1';
  for (const writer of [call, other])
    for (const [change, write] of [
      ['updated', () => writer('PATCH', `/api/v1/todos/${id}`, { title: randomUUID() })],
      ['deleted', () => writer('DELETE', `/api/v1/todos/${id}`)],
      ['restored', () => writer('POST', `/api/v1/todos/${id}/restore`)],
      ['created', () => writer('POST', '/api/v1/todos', { title: 'b' })],
    ] as const) {
      const waiting = wait(call, since, 15);
      await delay(200);
      const written = Date.now();
      expect((await write()).status).toBeLessThan(300);
      const { changes, next, applied } = await waiting;
      expect(Date.now() - written).toBeLessThan(3_000);
      expect(changes.map((seen) => seen.change)).toEqual([change]);
      expect(changes[0]?.todo === null).toBe(change === 'deleted');
      expect(applied).toBe('wait');
      since = next;
    }
});

test('a wait without a change returns no changes, and the reader can repeat it', async () => {
  const [call, other] = [await api.createCaller(), await api.createCaller()];
  await call('POST', '/api/v1/todos', { title: 'before' });
  const asked = Date.now();
  const waiting = wait(call, '1', 1);
  await delay(100);
  // a change of another subject does not end the wait
  await other('POST', '/api/v1/todos', { title: 'private' });
  expect(await waiting).toEqual({ changes: [], next: '1', applied: 'wait' });
  expect(Date.now() - asked).toBeGreaterThan(900);
  expect(Date.now() - asked).toBeLessThan(5_000);
});

test('a reader without Prefer gets a response at once', async () => {
  const call = await api.createCaller();
  const asked = Date.now();
  for (const prefer of ['', 'wait=0', 'wait=soon', 'respond-async']) {
    const { status, headers, body } = await call('GET', '/api/v1/todos/changes?since=0', undefined, { prefer });
    expect([status, body, headers.get('preference-applied')]).toEqual([200, { changes: [], next: '0' }, null]);
  }
  expect(Date.now() - asked).toBeLessThan(2_000);
});

test('without since the response has the current position, and the reader misses no later change', async () => {
  const call = await api.createCaller();
  const begin = async () => ChangeFeed.parse((await call('GET', '/api/v1/todos/changes')).body);
  expect(await begin()).toEqual({ changes: [], next: '0' });
  await call('POST', '/api/v1/todos', { title: 'before' });
  const { changes, next } = await begin();
  expect([changes, next]).toEqual([[], '1']);
  const after = await call('POST', '/api/v1/todos', { title: 'after' });
  expect((await wait(call, next, 5)).changes).toMatchObject([{ change: 'created', todo: after.body }]);
});

test('a since after the newest change gets 410, with and without a wait', async () => {
  const call = await api.createCaller();
  await call('POST', '/api/v1/todos', { title: 'a' });
  for (const since of ['2', '999999999999999'])
    for (const prefer of ['wait=5', 'wait=0']) {
      const asked = Date.now();
      expect(await call('GET', `/api/v1/todos/changes?since=${since}`, undefined, { prefer })).toMatchObject({
        status: 410,
        body: { errors: [{ field: 'since', expected: 'a position from 0 to 1' }] },
      });
      expect(Date.now() - asked).toBeLessThan(2_000);
    }
});

test('an update that changes no value is not in the feed', async () => {
  const call = await api.createCaller();
  const todo = Todo.parse((await call('POST', '/api/v1/todos', { title: 'a' })).body);
  await call('PATCH', `/api/v1/todos/${todo.id}`, { title: 'a' });
  await call('POST', `/api/v1/todos/${todo.id}/restore`);
  expect((await call('GET', '/api/v1/todos/changes?since=0')).body).toEqual({
    changes: [{ change: 'created', id: todo.id, version: 1, at: todo.created_at, todo }],
    next: '1',
  });
});

/** Reads the feed from its beginning until the last todo is created. */
async function read(call: Caller, { limit, pause }: { limit: number; pause: number }): Promise<TodoChange[]> {
  const seen: TodoChange[] = [];
  for (let since = '0'; ; ) {
    const { changes, next } = await wait(call, since, 20, limit);
    expect(changes.length).toBeLessThanOrEqual(limit);
    seen.push(...changes);
    since = next;
    if (changes.some(({ todo }) => todo?.title === LAST)) return seen;
    await delay(pause);
  }
}

async function wait(call: Caller, since: string, seconds: number, limit = 200) {
  const path = `/api/v1/todos/changes?since=${since}&limit=${limit}`;
  const { status, headers, body } = await call('GET', path, undefined, { prefer: `wait=${seconds}` });
  expect(status).toBe(200);
  return { ...ChangeFeed.parse(body), applied: headers.get('preference-applied') };
}

/** 20 writers create, change, delete and restore todos of one subject. Returns the todos that are left. */
async function writeMuch(call: Caller, writers: readonly Caller[]): Promise<Todo[]> {
  const ids: string[] = [];
  const write = async (number: number) => {
    const writer = writers[number % writers.length] ?? call;
    for (let step = 0; step < 8; step += 1) {
      const id = ids[(number * 7 + step * 3) % (ids.length || 1)];
      const kind = (number + step) % 4;
      if (id === undefined || kind === 0) {
        ids.push(Todo.parse((await writer('POST', '/api/v1/todos', { title: `${number}.${step}` })).body).id);
        continue;
      }
      const path = `/api/v1/todos/${id}`;
      const { status } = await (kind === 1
        ? writer('PATCH', path, { description: `${number}.${step}` })
        : kind === 2
          ? writer('DELETE', path)
          : writer('POST', `${path}/restore`));
      // another writer may have deleted it
      expect([200, 404]).toContain(status);
    }
  };
  await Promise.all(Array.from({ length: 20 }, (_, number) => write(number)));
  expect((await call('POST', '/api/v1/todos', { title: LAST })).status).toBe(201);
  return Todo.array().parse((await call('GET', '/api/v1/todos?limit=200')).body);
}

/** Expects that the changes, applied in order, lead to `todos`, and that no change is missing or repeated. */
function expectComplete(changes: readonly TodoChange[] | undefined, todos: readonly Todo[]): void {
  const states = new Map<string, { version: number; todo: Todo | null }>();
  let before = '';
  for (const { change, id, version, at, todo } of changes ?? []) {
    const state = states.get(id);
    expect(version).toBe((state?.version ?? 0) + 1);
    const possible = state === undefined ? ['created'] : state.todo === null ? ['restored'] : ['updated', 'deleted'];
    expect(possible).toContain(change);
    expect(at > before).toBe(true);
    before = at;
    if (todo !== null) expect(todo).toMatchObject({ id, version, updated_at: at });
    states.set(id, { version, todo });
  }
  const present = [...states.values()].flatMap(({ todo }) => todo ?? []);
  expect(present.sort(byId)).toEqual(todos.toSorted(byId));
  expect(new Set(changes?.map(({ change }) => change)).size).toBe(4);
}

function byId(one: Todo, other: Todo): number {
  return one.id < other.id ? -1 : 1;
}

test('a change of an earlier version of yata has the fields that a todo did not have then', async () => {
  await using api = await startApi();
  const call = await api.createCaller();
  await call('POST', '/api/v1/todos', { title: 'a' });
  await api.em.fork().execute("update api.todo_change set todo = (todo::jsonb - 'due_on')::json");
  const { body } = await call('GET', '/api/v1/todos/changes?since=0');
  expect(ChangeFeed.parse(body).changes).toMatchObject([{ todo: { title: 'a', due_on: null } }]);
});
