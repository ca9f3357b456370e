import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { ChangeFeed, type TodoChange } from '../../shared/todo/change-feed.ts';
import { MAX_PAGE_BYTES } from '../../shared/todo/limits.ts';
import { Todo } from '../../shared/todo/todo.ts';
import { type Caller, startApi } from '../testing/start-api.ts';

// one API for all tests of this file; each test has its own subject
let api: Awaited<ReturnType<typeof startApi>>;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api[Symbol.asyncDispose]());

/** A description of the largest size whose characters have three bytes in UTF-8. */
const MULTIBYTE = '東 '.repeat(5_000);

/** A description of the largest size whose characters have six bytes in JSON and one in the database. */
const ESCAPED = '\u0001'.repeat(10_000);

test.each([
  ['multibyte characters', MULTIBYTE],
  ['characters that JSON escapes', ESCAPED],
])('the pages of 200 todos with 10,000 %s are at most 1 MB, and lead to each todo once', async (_name, description) => {
  const { call, sub } = await createCaller();
  await api.todos.importTodos(
    sub,
    Array.from({ length: 200 }, (_, index) => newTodo({ title: `todo ${index}`, description })),
  );
  const expected = Array.from({ length: 200 }, (_, index) => `todo ${index}`);
  for (const query of ['limit=200', 'limit=200&sort=-due_at', 'limit=50', '']) {
    const pages = await followLinks(call, `/api/v1/todos?${query}`);
    expect(pages.flatMap(({ todos }) => todos.map(({ title }) => title)).sort()).toEqual(expected.toSorted());
    for (const { bytes, todos } of pages) {
      expect(bytes).toBeLessThanOrEqual(MAX_PAGE_BYTES + 1);
      expect(todos.length).toBeGreaterThan(0);
    }
  }
});

test('a todo after long ones is not skipped when the page ends at it', async () => {
  const { call, sub } = await createCaller();
  const long = (title: string) => newTodo({ title, description: ESCAPED });
  const short = (title: string) => newTodo({ title, description: null });
  const titles = Array.from({ length: 120 }, (_, index) => `todo ${index}`);
  await api.todos.importTodos(
    sub,
    titles.map((title, index) => (index % 7 < 3 ? long(title) : short(title))),
  );
  const pages = await followLinks(call, '/api/v1/todos?limit=100');
  expect(pages.flatMap(({ todos }) => todos.map(({ title }) => title))).toEqual(titles);
  expect(pages.length).toBeGreaterThan(3);
});

test('a response of the change feed has about 1 MB, and next leads to each change once', async () => {
  const { call, sub } = await createCaller();
  await api.todos.importTodos(
    sub,
    Array.from({ length: 200 }, (_, index) => newTodo({ title: `todo ${index}`, description: MULTIBYTE })),
  );
  const seen: TodoChange[] = [];
  let responses = 0;
  for (let since = '0'; ; responses += 1) {
    const { body } = await call('GET', `/api/v1/todos/changes?since=${since}`);
    const { changes, next } = ChangeFeed.parse(body);
    if (changes.length === 0) break;
    // a response ends with the change that reaches the limit
    expect(JSON.stringify(changes.slice(0, -1)).length).toBeLessThanOrEqual(MAX_PAGE_BYTES);
    expect(Buffer.byteLength(JSON.stringify(body))).toBeLessThan(MAX_PAGE_BYTES * 1.1);
    seen.push(...changes);
    since = next;
  }
  expect(seen.map(({ todo }) => todo?.title)).toEqual(Array.from({ length: 200 }, (_, index) => `todo ${index}`));
  expect(responses).toBeGreaterThan(3);
});

test('an export that the client does not read is not read from the database', async () => {
  const sub = randomUUID();
  const todos = 3_000;
  await api.em.execute(
    `insert into api.todo (id, owner, title, description, completed, priority, tags, position, version, created_at, updated_at, words)
       select gen_random_uuid(), ?, 'todo ' || i, repeat('東 ', 5000), false, 4, '{}', i, 1, now(), now(), ''
         from generate_series(1, ?) i`,
    [sub, todos],
  );
  const statements = vi.spyOn(api.em.getConnection(), 'execute');
  const pagesRead = () => statements.mock.calls.filter(([sql]) => String(sql).includes('from api.todo')).length;
  const socket = connect(api.port, '127.0.0.1');
  const token = await api.issueToken({ sub });
  socket.write(
    `GET /api/v1/todos/export HTTP/1.1\r\nhost: a\r\nconnection: close\r\nauthorization: Bearer ${token}\r\n\r\n`,
  );
  const pages = await untilItStops(pagesRead);
  // the buffers of the operating system take some
  expect(pages).toBeGreaterThan(0);
  expect(pages).toBeLessThan(20);
  let bytes = 0;
  socket.on('data', (chunk) => {
    bytes += chunk.length;
  });
  await once(socket, 'end');
  expect(bytes).toBeGreaterThan(todos * 20_000);
  expect(pagesRead()).toBeGreaterThan(50);
});

async function createCaller(): Promise<{ call: Caller; sub: string }> {
  const sub = randomUUID();
  return { call: await api.createCaller({ sub }), sub };
}

function newTodo(fields: { title: string; description: string | null }) {
  return { completed: false, due_at: null, due_on: null, priority: 4, tags: [], ...fields };
}

/** Reads a list like a client that only follows links. */
async function followLinks(call: Caller, path: string): Promise<{ todos: Todo[]; bytes: number }[]> {
  const pages: { todos: Todo[]; bytes: number }[] = [];
  for (let next: string | undefined = path; next !== undefined; ) {
    const { headers, body } = await call('GET', next);
    pages.push({ todos: Todo.array().parse(body), bytes: Number(headers.get('content-length')) });
    const target = /<([^>]+)>; rel="next"/.exec(headers.get('link') ?? '')?.[1];
    next = target?.slice(target.indexOf('/api/v1/'));
  }
  return pages;
}

/** Waits until a count has not changed for a second. */
async function untilItStops(count: () => number): Promise<number> {
  for (let last = -1; ; ) {
    await delay(1_000);
    if (last === count()) return last;
    last = count();
  }
}
