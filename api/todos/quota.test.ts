import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { HttpError } from '../../shared/http/http-error.ts';
import { Time } from '../../shared/todo/text.ts';
import { NewTodo, Todo } from '../../shared/todo/todo.ts';
import { anyTags, anyText, anyTodo } from '../testing/arbitrary-todo.ts';
import { sampleTodo } from '../testing/sample-todo.ts';
import { type Caller, startApi } from '../testing/start-api.ts';
import { TODO_BYTES, todoBytes } from './quota.ts';
import { runBatch } from './run-batch.ts';

const QUOTA = { todos: 5, bytes: 200 };

// one API for all tests of this file; each test has its own subject
let api: Awaited<ReturnType<typeof startApi>>;
beforeAll(async () => {
  api = await startApi({ quota: QUOTA });
});
afterAll(() => api[Symbol.asyncDispose]());

const JSON_LINES = { 'content-type': 'application/jsonl' };

test('a subject can store as many todos as its quota allows, and one more gets 507 with the number', async () => {
  const call = await api.createCaller();
  for (let number = 1; number <= QUOTA.todos; number += 1) await create(call, { title: 'a' });
  const rejected = await call('POST', '/api/v1/todos', { title: 'a' });
  expect(rejected).toMatchObject({
    status: 507,
    body: { code: 'quota_exceeded', limit: 5, used: 5, unit: 'todos', title: 'Insufficient Storage' },
  });
  expect(rejected.headers.get('content-type')).toBe('application/problem+json');
  expect(await count(call)).toBe(5);
  // another subject has its own quota
  await create(await api.createCaller(), { title: 'a' });
});

test('a subject can store as many bytes of text as its quota allows, and one more gets 507', async () => {
  const call = await api.createCaller();
  // 4 + 2 bytes in UTF-8, and 2 tags
  const { id } = await create(call, { title: '🎉', description: 'é', tags: ['a', 'b'] });
  await create(call, { title: 'a'.repeat(QUOTA.bytes - 8) });
  const full = { status: 507, body: { code: 'quota_exceeded', limit: 200, used: 200, unit: 'bytes' } };
  expect(await call('POST', '/api/v1/todos', { title: 'a' })).toMatchObject(full);
  expect(await call('PATCH', `/api/v1/todos/${id}`, { description: 'éa' })).toMatchObject(full);
  expect(await call('PUT', `/api/v1/todos/${id}`, { tags: ['a', 'bc'] })).toMatchObject(full);
  // the same number of bytes, or fewer
  expect((await call('PATCH', `/api/v1/todos/${id}`, { title: 'abcd' })).status).toBe(200);
  expect((await call('PATCH', `/api/v1/todos/${id}`, { completed: true, priority: 1 })).status).toBe(200);
  expect((await call('PATCH', `/api/v1/todos/${id}`, { description: null })).status).toBe(200);
  expect((await call('PATCH', `/api/v1/todos/${id}`, { description: 'ab' })).status).toBe(200);
});

test('every text of a todo counts', () => {
  const todo = NewTodo.parse(sampleTodo(1));
  const isText = (value: unknown) => typeof value === 'string' && !Time.safeParse(value).success;
  const texts = Object.values(todo).flat().filter(isText);
  expect(texts.length).toBeGreaterThanOrEqual(3);
  expect(todoBytes(todo)).toBe(Buffer.byteLength(texts.join('')));
});

test('a subject over its quota can shorten, delete and restore todos', async () => {
  const sub = randomUUID();
  const call = await api.createCaller({ sub });
  const { id } = await create(call, { title: 'a'.repeat(100) });
  await api.em.fork().execute('update api.todo_list set todos = 100, bytes = 10000 where owner = ?', [sub]);
  expect((await call('PATCH', `/api/v1/todos/${id}`, { title: 'a'.repeat(99) })).status).toBe(200);
  expect((await call('DELETE', `/api/v1/todos/${id}`)).status).toBe(200);
  expect((await call('POST', `/api/v1/todos/${id}/restore`)).status).toBe(200);
  expect((await call('PATCH', `/api/v1/todos/${id}`, { title: 'a'.repeat(100) })).status).toBe(507);
});

test('a deleted todo counts until it is purged', async () => {
  const sub = randomUUID();
  const call = await api.createCaller({ sub });
  for (let number = 1; number <= QUOTA.todos; number += 1) {
    const { id } = await create(call, { title: 'a' });
    await call('DELETE', `/api/v1/todos/${id}`);
  }
  expect((await call('POST', '/api/v1/todos', { title: 'a' })).status).toBe(507);
  await age(sub);
  await api.todos.purge();
  expect(await usage(sub)).toEqual({ todos: 0, bytes: 0 });
  await create(call, { title: 'a' });
});

test('a batch over the quota gets 507 and executes no operation', async () => {
  const call = await api.createCaller();
  const { id } = await create(call, { title: 'a' });
  const operations = [
    { op: 'update', id, changes: { title: 'b' } },
    ...Array.from({ length: QUOTA.todos }, () => ({ op: 'create', todo: { title: 'a' } })),
  ];
  const headers = { 'idempotency-key': randomUUID() };
  expect(await call('POST', '/api/v1/todos/batch', { operations }, headers)).toMatchObject({
    status: 507,
    body: { code: 'quota_exceeded', limit: 5, used: 1, unit: 'todos' },
  });
  expect((await call('GET', `/api/v1/todos/${id}`)).body).toMatchObject({ title: 'a', version: 1 });
  expect(await count(call)).toBe(1);
  // the key of a rejected request can be used again
  const fewer = { operations: operations.slice(2) };
  expect((await call('POST', '/api/v1/todos/batch', fewer, headers)).status).toBe(200);
});

test('an import over the quota gets 507 and imports nothing, and todos that exist already do not count', async () => {
  const call = await api.createCaller();
  const lines = (length: number) =>
    Array.from({ length }, (_, index) => `{"id":"${UUID.slice(0, -1)}${index}","title":"a"}`).join('\n');
  expect(await importLines(call, lines(3))).toMatchObject({ status: 200, body: { created: 3, skipped: 0 } });
  expect(await importLines(call, lines(6))).toMatchObject({
    status: 507,
    body: { code: 'quota_exceeded', limit: 5, used: 3, unit: 'todos' },
  });
  expect(await count(call)).toBe(3);
  expect(await importLines(call, lines(5))).toMatchObject({ status: 200, body: { created: 2, skipped: 3 } });
  expect(await importLines(call, `${lines(5)}\n${lines(5)}`)).toMatchObject({ body: { created: 0, skipped: 10 } });
});

/** The operations of the property below. A `target` is the number of a todo in the order of creation. */
const anyTarget = fc.nat({ max: 7 });
const anyContent = fc.record({ title: anyText, description: fc.option(anyText), tags: anyTags });
const anyStep = fc.oneof(
  fc.record({ kind: fc.constant('create' as const), todo: anyContent }),
  fc.record({ kind: fc.constant('update' as const), target: anyTarget, changes: anyContent }),
  fc.record({ kind: fc.constant('remove' as const), target: anyTarget }),
  fc.record({ kind: fc.constant('restore' as const), target: anyTarget }),
  fc.record({
    kind: fc.constant('batch' as const),
    todos: fc.array(anyContent, { minLength: 1, maxLength: 3 }),
    target: anyTarget,
  }),
  fc.record({ kind: fc.constant('import' as const), todos: fc.array(anyTodo, { maxLength: 3 }), target: anyTarget }),
  fc.record({ kind: fc.constant('purge' as const) }),
);

test('after any writes, the counters of a list equal a recount and are within the quota', async () => {
  let [written, rejected] = [0, 0];
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { minLength: 1, maxLength: 12 }), async (steps) => {
      const owner = randomUUID();
      for (const step of steps) {
        try {
          await run(owner, step);
          written += 1;
        } catch (error) {
          if (!(error instanceof HttpError)) throw error;
          rejected += 1;
        }
        const counted = await usage(owner);
        expect(counted).toEqual(await recount(owner));
        expect(await changeBytesOf(owner)).toEqual(await recountChangeBytes(owner));
        expect(counted.todos <= QUOTA.todos && counted.bytes <= QUOTA.bytes).toBe(true);
      }
    }),
    { numRuns: 60 },
  );
  expect(Math.min(written, rejected)).toBeGreaterThan(20);
});

async function run(owner: string, step: typeof anyStep extends fc.Arbitrary<infer T> ? T : never): Promise<void> {
  const rows = await api.em
    .fork()
    .execute<{ id: string }[]>('select id from api.todo where owner = ? order by created_at, id', [owner]);
  const id = ('target' in step && rows[step.target]?.id) || randomUUID();
  switch (step.kind) {
    case 'create':
      await api.todos.write(owner, { ids: [], apply: (list) => list.create(NewTodo.parse(step.todo)) });
      return;
    case 'update':
      await api.todos.write(owner, { ids: [id], apply: (list) => list.update(id, step.changes) });
      return;
    case 'remove':
      await api.todos.write(owner, { ids: [id], apply: (list) => list.remove(id) });
      return;
    case 'restore':
      await api.todos.write(owner, { ids: [id], apply: (list) => list.restore(id) });
      return;
    case 'batch': {
      const creates = step.todos.map((todo) => ({ op: 'create' as const, todo: NewTodo.parse(todo) }));
      const operations = [...creates, { op: 'delete' as const, id }];
      await api.todos.write(owner, { ids: [id], apply: (list) => runBatch(list, { operations }) });
      return;
    }
    case 'import':
      await api.todos.importTodos(owner, [...step.todos, { ...NewTodo.parse({ title: 'skipped or created' }), id }]);
      return;
    case 'purge':
      await age(owner);
      await api.todos.purge();
      return;
  }
}

async function usage(owner: string): Promise<{ todos: number; bytes: number }> {
  const [list] = await api.em
    .fork()
    .execute<{ todos: number; bytes: number }[]>(
      'select todos, bytes::float8 as bytes from api.todo_list where owner = ?',
      [owner],
    );
  return list ?? { todos: 0, bytes: 0 };
}

async function recount(owner: string): Promise<{ todos: number; bytes: number } | undefined> {
  const [counted] = await api.em
    .fork()
    .execute<{ todos: number; bytes: number }[]>(
      `select count(*)::int as todos, coalesce(sum(${TODO_BYTES}), 0)::float8 as bytes from api.todo where owner = ?`,
      [owner],
    );
  return counted;
}

async function changeBytesOf(owner: string): Promise<number> {
  const [list] = await api.em
    .fork()
    .execute<{ bytes: number }[]>('select change_bytes::float8 as bytes from api.todo_list where owner = ?', [owner]);
  return list?.bytes ?? 0;
}

async function recountChangeBytes(owner: string): Promise<number> {
  const rows = await api.em
    .fork()
    .execute<{ todo: string }[]>(
      'select todo::text as todo from api.todo_change where owner = ? and todo is not null',
      [owner],
    );
  return rows.reduce((bytes, { todo }) => bytes + Buffer.byteLength(todo), 0);
}

/** Makes the deleted todos of an owner old enough for the purge. */
async function age(owner: string): Promise<void> {
  await api.em
    .fork()
    .execute("update api.todo set deleted_at = deleted_at - interval '31 days' where owner = ?", [owner]);
  // and the older half of the changes
  await api.em.fork().execute(
    `update api.todo_change set at = at - interval '31 days'
     where owner = ? and sequence <= (select max(sequence) / 2 from api.todo_change where owner = ?)`,
    [owner, owner],
  );
}

const UUID = '00000000-0000-4000-8000-000000000000';

async function create(call: Caller, todo: object): Promise<Todo> {
  const { status, body } = await call('POST', '/api/v1/todos', todo);
  expect(status).toBe(201);
  return Todo.parse(body);
}

async function count(call: Caller): Promise<number> {
  return Todo.array().parse((await call('GET', '/api/v1/todos')).body).length;
}

function importLines(call: Caller, lines: string) {
  return call('POST', '/api/v1/todos/import', Buffer.from(lines), JSON_LINES);
}
