import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { inChunks } from '../../shared/in-chunks.ts';
import { ImportedTodo, NewTodo, type Todo, TodoId } from '../../shared/todo/todo.ts';
import { startApi } from '../testing/start-api.ts';
import { deriveIds } from './derive-ids.ts';
import type { Write } from './writes/grouped-write.ts';

// one API for all tests of this file; each test has its own subject
let api: Awaited<ReturnType<typeof startApi>>;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api[Symbol.asyncDispose]());

const JSON_LINES = { 'content-type': 'application/jsonl' };

const newTodos = (length: number, fields: object = {}) =>
  Array.from({ length }, (_, index) => ImportedTodo.parse({ title: `todo ${index}`, ...fields }));
const withIds = (todos: readonly ImportedTodo[]) => todos.map((todo) => ({ ...todo, id: randomUUID() }));
const toLines = (todos: readonly ImportedTodo[]) => Buffer.from(todos.map((todo) => JSON.stringify(todo)).join('\n'));

test.each([
  [200, 1, 'one'],
  [201, 2, 'one more'],
  [1_000, 5, 'many'],
])('%i short todos are imported in %i transactions (%s)', async (length, expected) => {
  let transactions = 0;
  const beforeWrite = async () => {
    transactions += 1;
  };
  const imported = await api.todos.importTodos(randomUUID(), newTodos(length), { beforeWrite });
  expect(imported).toEqual({ created: length, skipped: 0 });
  expect(transactions).toBe(expected);
});

test('long todos are imported in transactions of at most 80 kB', async () => {
  let transactions = 0;
  const beforeWrite = async () => {
    transactions += 1;
  };
  // 10 kB each, so 7 in a transaction
  const todos = newTodos(21, { description: 'é'.repeat(5_000) });
  await api.todos.importTodos(randomUUID(), todos, { beforeWrite });
  expect(transactions).toBe(3);
});

test('other writes run between the transactions of an import, also those of the same owner', async () => {
  const [owner, other] = [randomUUID(), randomUUID()];
  const events: string[] = [];
  const beforeWrite = async () => {
    events.push('import');
    const name = events.filter((event) => event === 'import').length;
    for (const [who, subject] of [
      ['same', owner],
      ['other', other],
    ] as const)
      void api.todos.write(subject, createWrite(NewTodo.parse({ title: `${name}` }))).then(() => events.push(who));
  };
  await api.todos.importTodos(owner, newTodos(800), { beforeWrite });
  const places = events.flatMap((event, place) => (event === 'import' ? [place] : []));
  expect(places).toHaveLength(4);
  // before the last transaction began, the writes that had come before the transaction ahead of it were done
  const before = events.slice(0, places.at(-1));
  expect(before.filter((event) => event === 'other').length).toBeGreaterThanOrEqual(2);
  expect(before.filter((event) => event === 'same').length).toBeGreaterThanOrEqual(2);
});

test('an import whose rest no longer fits into the quota says how many of its todos were written', async () => {
  await using small = await startApi({ quota: { todos: 250, bytes: 1_000_000 } });
  const owner = randomUUID();
  let transactions = 0;
  const beforeWrite = async () => {
    transactions += 1;
    if (transactions === 1) void small.todos.write(owner, createWrite(NewTodo.parse({ title: 'another request' })));
  };
  await expect(small.todos.importTodos(owner, newTodos(250), { beforeWrite })).rejects.toThrow(
    'You can store 250 todos, and you store 201. Other requests wrote meanwhile: 200 todos of this request were written, and the others were not.',
  );
});

test('an import that is interrupted leaves complete transactions, and is completed when it is repeated', async () => {
  const owner = randomUUID();
  const todos = withIds(newTodos(480));
  await expect(api.todos.importTodos(owner, todos, { beforeWrite: failAt(2) })).rejects.toThrow('interrupted');
  expect(await stored(owner)).toEqual({ todos: 200, counted: 200, changes: 200, sequence: 200 });
  expect(await api.todos.importTodos(owner, todos)).toEqual({ created: 280, skipped: 200 });
  expect(await stored(owner)).toEqual({ todos: 480, counted: 480, changes: 480, sequence: 480 });
  expect(await api.todos.importTodos(owner, todos)).toEqual({ created: 0, skipped: 480 });
});

test('with an Idempotency-Key, an interrupted import without ids is completed when it is repeated', async () => {
  const owner = randomUUID();
  const todos = newTodos(480);
  const idempotency = { key: 'one', fingerprint: 'f' };
  const importing = api.todos.importTodos(owner, todos, { idempotency, beforeWrite: failAt(3) });
  await expect(importing).rejects.toThrow('interrupted');
  expect((await stored(owner)).todos).toBe(400);
  const repeated = await api.todos.importTodos(owner, todos, { idempotency });
  expect(repeated).toEqual({ created: 80, skipped: 400 });
  expect((await stored(owner)).todos).toBe(480);
  // the answer is stored with the last transaction
  expect(await api.todos.importTodos(owner, todos, { idempotency })).toEqual(repeated);
  // another request with the key is rejected before its first write
  const other = { key: 'one', fingerprint: 'g' };
  await expect(api.todos.importTodos(owner, todos, { idempotency: other })).rejects.toMatchObject({
    code: 'idempotency_key_reused',
  });
  expect((await stored(owner)).todos).toBe(480);
});

test('an import with a key that another request uses is rejected, also between its transactions', async () => {
  const owner = randomUUID();
  const idempotency = { key: 'one', fingerprint: 'f' };
  const rejections: unknown[] = [];
  const beforeWrite = async () => {
    await api.todos.importTodos(owner, [], { idempotency }).catch((error) => rejections.push(error));
  };
  await api.todos.importTodos(owner, newTodos(480), { idempotency, beforeWrite });
  expect(rejections).toMatchObject(Array.from({ length: 3 }, () => ({ code: 'idempotency_key_in_use' })));
});

test('derived ids are valid, differ for each todo, key and content, and ids that were sent are kept', () => {
  const sent = randomUUID();
  const todos = [...newTodos(3), { ...NewTodo.parse({ title: 'a' }), id: sent }];
  const requests = [
    { key: 'a', fingerprint: 'f' },
    { key: 'b', fingerprint: 'f' },
    { key: 'a', fingerprint: 'g' },
  ];
  const ids = requests.flatMap((request) => deriveIds(todos, request).map(({ id }) => TodoId.parse(id)));
  expect(ids.filter((id) => id === sent)).toHaveLength(3);
  expect(new Set(ids).size).toBe(10);
  expect(deriveIds(todos, { key: 'a', fingerprint: 'f' })).toEqual(deriveIds(todos, { key: 'a', fingerprint: 'f' }));
});

test('an access token that is revoked during an import ends it with 401, and what was written stays', async () => {
  let [verifications, allowed] = [0, Number.POSITIVE_INFINITY];
  const isRevoked = () => {
    verifications += 1;
    return verifications > allowed;
  };
  await using api = await startApi({ isRevoked });
  const call = await api.createCaller();
  const todos = withIds(newTodos(480));
  const send = () => call('POST', '/api/v1/todos/import', toLines(todos), JSON_LINES);
  // the request and the first transaction
  allowed = 2;
  const { status, headers, body } = await send();
  expect({ status, body }).toMatchObject({ status: 401, body: { code: 'access_token_revoked' } });
  expect(headers.get('www-authenticate')).toContain('error="invalid_token"');
  allowed = Number.POSITIVE_INFINITY;
  expect((await call('GET', '/api/v1/todos?limit=1&count=true')).headers.get('total-count')).toBe('200');
  expect(await send()).toMatchObject({ status: 200, body: { created: 280, skipped: 200 } });
});

test('an import over the quota writes nothing, although its first transactions would fit', async () => {
  await using api = await startApi({ quota: { todos: 440, bytes: 1_000_000 } });
  const call = await api.createCaller();
  const todos = withIds(newTodos(480));
  const send = (length: number) => call('POST', '/api/v1/todos/import', toLines(todos.slice(0, length)), JSON_LINES);
  const rejection = { status: 507, body: { code: 'quota_exceeded', limit: 440, used: 0, unit: 'todos' } };
  expect(await send(441)).toMatchObject(rejection);
  expect((await call('GET', '/api/v1/todos')).body).toEqual([]);
  expect(await send(440)).toMatchObject({ status: 200, body: { created: 440, skipped: 0 } });
});

test('the quota is checked in each transaction of an import, because other writes run between them', async () => {
  await using api = await startApi({ quota: { todos: 480, bytes: 1_000_000 } });
  const owner = randomUUID();
  let transactions = 0;
  const beforeWrite = async () => {
    transactions += 1;
    // it waits for the first transaction, and the second one waits for it
    if (transactions === 1) void api.todos.write(owner, createWrite(NewTodo.parse({ title: 'between' })));
  };
  await expect(api.todos.importTodos(owner, newTodos(480), { beforeWrite })).rejects.toMatchObject({
    code: 'quota_exceeded',
    members: { limit: 480, used: 401, unit: 'todos' },
  });
});

test('chunks keep the order, and an item that is too large gets a chunk of its own', () => {
  expect(inChunks([1, 2, 3, 4, 5], { maxItems: 2, maxBytes: 100 })).toEqual([[1, 2], [3, 4], [5]]);
  expect(inChunks(['a', 'bbbbbbbb', 'é', 'c'], { maxItems: 9, maxBytes: 7 })).toEqual([
    ['a'],
    ['bbbbbbbb'],
    ['é', 'c'],
  ]);
  expect(inChunks([], { maxItems: 2, maxBytes: 2 })).toEqual([]);
});

const createWrite = (todo: NewTodo): Write<Todo> => ({ ids: [], apply: (list) => list.create(todo) });

/** Fails before transaction `number`. */
function failAt(number: number): () => Promise<void> {
  let transactions = 0;
  return async () => {
    transactions += 1;
    if (transactions === number) throw new Error('interrupted');
  };
}

async function stored(owner: string) {
  const [row] = await api.em.fork().execute<{ todos: number; counted: number; changes: number; sequence: number }[]>(
    `select (select count(*)::int from api.todo where owner = list.owner) as todos, list.todos as counted,
       (select count(*)::int from api.todo_change where owner = list.owner) as changes, list.sequence::int as sequence
     from api.todo_list list where owner = ?`,
    [owner],
  );
  return row ?? { todos: 0, counted: 0, changes: 0, sequence: 0 };
}
