import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { BatchResults } from '../../shared/todo/batch.ts';
import { ChangeFeed } from '../../shared/todo/change-feed.ts';
import { Todo } from '../../shared/todo/todo.ts';
import { type Caller, startApi } from '../testing/start-api.ts';
import { STATEMENTS } from './writes/list-statements.ts';

// one API for all tests of this file; each test has its own subjects
let api: Awaited<ReturnType<typeof startApi>>;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api[Symbol.asyncDispose]());

test('two subjects have todos with the same id, and each request reaches only the todo of its subject', async () => {
  const [id, owner, other] = [randomUUID(), randomUUID(), randomUUID()];
  const [one, two] = [await api.createCaller({ sub: owner }), await api.createCaller({ sub: other })];
  expect(await importTodo(one, { id, title: 'of one' })).toEqual({ created: 1, skipped: 0 });
  expect(await importTodo(two, { id, title: 'of two' })).toEqual({ created: 1, skipped: 0 });
  const untouched = await get(two, id);
  expect(untouched).toMatchObject({ id, title: 'of two' });

  const path = `/api/v1/todos/${id}`;
  expect((await one('PATCH', path, { title: 'patched' })).body).toMatchObject({ id, title: 'patched', version: 2 });
  expect((await one('PUT', path, { tags: ['a'] })).body).toMatchObject({ title: 'patched', tags: ['a'], version: 3 });
  expect((await one('DELETE', path)).status).toBe(200);
  expect((await one('GET', path)).status).toBe(404);
  expect(await get(two, id)).toEqual(untouched);
  expect((await one('POST', `${path}/restore`)).body).toMatchObject({ title: 'patched', version: 5 });

  const operations = [
    { op: 'update', id, changes: { title: 'in a batch' }, version: 5 },
    { op: 'delete', id, version: 6 },
    { op: 'restore', id, version: 7 },
    { op: 'delete', id, version: 8 },
  ];
  const { results } = BatchResults.parse((await one('POST', '/api/v1/todos/batch', { operations })).body);
  expect(results.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  expect(await get(two, id)).toEqual(untouched);

  expect((await one('GET', '/api/v1/todos/export')).body).toBe('');
  expect((await two('GET', '/api/v1/todos/export')).body).toBe(`${JSON.stringify(untouched)}\n`);
  expect((await two('GET', '/api/v1/todos')).body).toEqual([untouched]);
  expect(ChangeFeed.parse((await two('GET', '/api/v1/todos/changes?since=0')).body).changes).toHaveLength(1);

  const age = "update api.todo set deleted_at = now() - interval '31 days' where owner = ? and id = ?";
  await api.em.fork().execute(age, [owner, id]);
  await api.todos.purge();
  expect((await one('POST', `${path}/restore`)).status).toBe(404);
  expect(await get(two, id)).toEqual(untouched);

  // after the purge the subject can import the id again
  expect(await importTodo(one, { id, title: 'again' })).toEqual({ created: 1, skipped: 0 });
  expect(await get(two, id)).toEqual(untouched);
});

test('an import keeps ids that another subject has, and reveals nothing about them', async () => {
  const [one, two] = [await api.createCaller(), await api.createCaller()];
  const ids = [randomUUID(), randomUUID()];
  await importTodo(one, { id: ids[0], title: 'of one' });
  // the response is the same for an id that another subject has and for one that no subject has
  for (const id of ids) {
    expect((await two('GET', `/api/v1/todos/${id}`)).status).toBe(404);
    expect(await importTodo(two, { id, title: 'moved' })).toEqual({ created: 1, skipped: 0 });
    expect(await get(two, id)).toMatchObject({ id, title: 'moved', version: 1 });
    expect(await importTodo(two, { id, title: 'moved' })).toEqual({ created: 0, skipped: 1 });
  }
  expect(await get(one, ids[0])).toMatchObject({ title: 'of one' });
});

test('every statement on the todos names the owner, except for the purge', async () => {
  const [call, id] = [await api.createCaller(), randomUUID()];
  const statements = recordStatements();
  const path = `/api/v1/todos/${id}`;
  const operations = [
    { op: 'create', todo: { title: 'a' } },
    { op: 'update', id, changes: { title: 'b' } },
    { op: 'delete', id },
    { op: 'restore', id },
  ];
  const requests: [status: number, method: string, path: string, body?: object][] = [
    [201, 'POST', '/api/v1/todos', { title: 'a' }],
    [200, 'GET', path],
    [200, 'PATCH', path, { title: 'c' }],
    [200, 'PUT', path, { title: 'd' }],
    [200, 'DELETE', path],
    [200, 'POST', `${path}/restore`],
    [200, 'POST', '/api/v1/todos/batch', { operations }],
    [200, 'GET', '/api/v1/todos?completed=false&q=a&tag=b&priority=1&due_after=2020-01-01T00:00:00Z&count=true'],
    [200, 'GET', '/api/v1/todos/changes?since=0'],
    [200, 'GET', '/api/v1/todos/export'],
  ];
  await importTodo(call, { id, title: 'imported' });
  for (const [status, method, path, body] of requests) expect((await call(method, path, body)).status).toBe(status);

  const written = Object.values(STATEMENTS).map(({ text }) => text.replaceAll(/\s+/g, ' '));
  const onTodos = [...statements, ...written].filter((sql) => /\bapi"?\."?todo\b/.test(sql));
  // the reads of one todo and of lists; two reads, an insert and an update of the writer
  expect(onTodos.length).toBeGreaterThan(7);
  for (const sql of onTodos)
    expect(sql).toMatch(/^insert into api\.todo \(owner|where owner = |todo\.owner = |using \(owner, id\)/);
});

/** Records the SQL of each statement, in lower case. */
function recordStatements(): string[] {
  const statements: string[] = [];
  const logger = api.em.config.getLogger();
  logger.setDebugMode(['query']);
  vi.spyOn(logger, 'logQuery').mockImplementation(({ query = '' }) => {
    statements.push(query.toLowerCase().replaceAll(/\s+/g, ' '));
  });
  return statements;
}

async function importTodo(call: Caller, todo: object): Promise<unknown> {
  const { body } = await call('POST', '/api/v1/todos/import', Buffer.from(JSON.stringify(todo)), {
    'content-type': 'application/jsonl',
  });
  return body;
}

async function get(call: Caller, id = ''): Promise<Todo> {
  return Todo.parse((await call('GET', `/api/v1/todos/${id}`)).body);
}
