import { expect, test, vi } from 'vitest';
import { NewTodo } from '../../shared/todo/todo.ts';
import { createTodoApi } from './todo-api.ts';

const todo = {
  id: '00000000-0000-4000-8000-000000000000',
  title: 'Buy milk',
  description: null,
  completed: false,
  completed_at: null,
  due_at: null,
  due_on: null,
  priority: 4,
  tags: [],
  position: 0,
  version: 1,
  created_at: '2026-01-01T00:00:00.000Z',
  updated_at: '2026-01-01T00:00:00.000Z',
};
const signal = new AbortController().signal;

function createClient(...answers: (Response | Error)[]) {
  const sent: { url: string; authorization: string | null; type: string | null; body: string | undefined }[] = [];
  let issued = 0;
  let current: string | undefined;
  const accessTokens = {
    get: async () => {
      if (current === undefined) {
        issued += 1;
        current = `token-${issued}`;
      }
      return current;
    },
    reject: vi.fn((accessToken: string) => {
      if (accessToken === current) current = undefined;
    }),
  };
  const todos = createTodoApi({
    baseUrl: async () => 'http://api.example/api/v1',
    address: 'http://api.example/api/v1',
    accessTokens,
    fetch: async (input, init) => {
      const headers = new Headers(init?.headers);
      sent.push({
        url: String(input),
        authorization: headers.get('authorization'),
        type: headers.get('content-type'),
        body: init?.body?.toString(),
      });
      init?.signal?.throwIfAborted();
      const answer = answers.shift();
      if (answer === undefined || answer instanceof Error) throw answer ?? new Error('no more answers');
      return answer;
    },
  });
  return { todos, sent, accessTokens };
}

test('after a 401 the request is repeated once with a new access token', async () => {
  const { todos, sent } = createClient(new Response(null, { status: 401 }), Response.json(todo, { status: 201 }));
  expect(await todos.create(NewTodo.parse({ title: 'Buy milk' }), { signal })).toEqual(todo);
  expect(sent.map(({ authorization }) => authorization)).toEqual(['Bearer token-1', 'Bearer token-2']);
});

test('a second 401 is not retried', async () => {
  const { todos, sent, accessTokens } = createClient(
    new Response(null, { status: 401 }),
    new Response(null, { status: 401 }),
  );
  await expect(todos.list({}, { signal })).rejects.toMatchObject({
    name: 'AccessTokenRejectedError',
    error: 'invalid_token',
  });
  expect(sent).toHaveLength(2);
  expect(accessTokens.reject.mock.calls).toEqual([['token-1'], ['token-2']]);
});

test.each([400, 403, 404, 429, 500])('the status %i is reported and not retried', async (status) => {
  const { todos, sent } = createClient(new Response('secret details', { status }));
  await expect(todos.list({}, { signal })).rejects.toMatchObject({ name: 'TodoApiError', status });
  expect(sent).toHaveLength(1);
});

test('an unreachable API is a 503, and a server that answers something else a 502', async () => {
  await expect(createClient(new TypeError('fetch failed')).todos.list({}, { signal })).rejects.toMatchObject({
    status: 503,
  });
  await expect(createClient(Response.json({ not: 'a list' })).todos.list({}, { signal })).rejects.toMatchObject({
    status: 502,
  });
  await expect(createClient(new Response('<html>')).todos.list({}, { signal })).rejects.toMatchObject({ status: 502 });
});

test('an import is sent as JSON Lines', async () => {
  const { todos, sent } = createClient(Response.json({ created: 1, skipped: 1 }));
  const lines = ['a', 'b'].map((title) => ({ ...NewTodo.parse({ title }), id: todo.id }));
  expect(await todos.importTodos(lines, { signal })).toEqual({ created: 1, skipped: 1 });
  expect(sent).toMatchObject([{ url: 'http://api.example/api/v1/todos/import', type: 'application/jsonl' }]);
  expect(sent[0]?.body?.split('\n')).toEqual([...lines.map((line) => JSON.stringify(line)), '']);
});

test('an aborted signal cancels the request', async () => {
  const { todos } = createClient(Response.json([]));
  await expect(todos.list({}, { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });
});
