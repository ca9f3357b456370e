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
  priority: 4,
  tags: [],
  position: 0,
  version: 1,
  created_at: '2026-01-01T00:00:00.000Z',
  updated_at: '2026-01-01T00:00:00.000Z',
};
const signal = new AbortController().signal;

function open(...answers: (Response | Error)[]) {
  const sent: { url: string; authorization: string | null }[] = [];
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
    accessTokens,
    fetch: async (input, init) => {
      sent.push({ url: String(input), authorization: new Headers(init?.headers).get('authorization') });
      init?.signal?.throwIfAborted();
      const answer = answers.shift();
      if (answer === undefined || answer instanceof Error) throw answer ?? new Error('nothing more is answered');
      return answer;
    },
  });
  return { todos, sent, accessTokens };
}

test('a 401 costs one more request with a fresh access token', async () => {
  const { todos, sent } = open(new Response(null, { status: 401 }), Response.json(todo, { status: 201 }));
  expect(await todos.create(NewTodo.parse({ title: 'Buy milk' }), { signal })).toEqual(todo);
  expect(sent.map(({ authorization }) => authorization)).toEqual(['Bearer token-1', 'Bearer token-2']);
});

test('a second 401 is the end', async () => {
  const { todos, sent, accessTokens } = open(new Response(null, { status: 401 }), new Response(null, { status: 401 }));
  await expect(todos.list({}, { signal })).rejects.toMatchObject({
    name: 'AccessTokenRejectedError',
    error: 'invalid_token',
  });
  expect(sent).toHaveLength(2);
  expect(accessTokens.reject.mock.calls).toEqual([['token-1'], ['token-2']]);
});

test.each([400, 403, 404, 429, 500])('a %i is told, and not tried again', async (status) => {
  const { todos, sent } = open(new Response('secret details', { status }));
  await expect(todos.list({}, { signal })).rejects.toMatchObject({ name: 'TodoApiError', status });
  expect(sent).toHaveLength(1);
});

test('an API that is away, or answers something else, is told apart', async () => {
  await expect(open(new TypeError('fetch failed')).todos.list({}, { signal })).rejects.toMatchObject({ status: 503 });
  await expect(open(Response.json({ not: 'a list' })).todos.list({}, { signal })).rejects.toMatchObject({
    status: 502,
  });
  await expect(open(new Response('<html>')).todos.list({}, { signal })).rejects.toMatchObject({ status: 502 });
});

test('whoever no longer waits ends the request', async () => {
  const { todos } = open(Response.json([]));
  await expect(todos.list({}, { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });
});
