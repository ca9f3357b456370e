import { afterAll, beforeAll, expect, test } from 'vitest';
import * as z from 'zod';
import { Todo } from '../shared/todo/todo.ts';
import { resource, startApi } from './testing/start-api.ts';

const ServiceIndexBody = z.object({ name: z.string(), links: z.array(z.object({ href: z.url() })) });
const UNKNOWN = '00000000-0000-4000-8000-000000000000';

// one API for all tests of this file; each test has its own subject
let api: Awaited<ReturnType<typeof startApi>>;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api[Symbol.asyncDispose]());

test('a todo can be created, read, changed and deleted', async () => {
  const call = await api.createCaller();
  const created = await call('POST', '/api/v1/todos', { title: 'Buy milk' });
  expect(created).toMatchObject({ status: 201, body: { title: 'Buy milk', description: null, completed: false } });
  const todo = Todo.parse(created.body);
  expect(Object.keys(Object(created.body)).sort()).toEqual(Object.keys(Todo.shape).sort());
  expect(created.headers.get('location')).toBe(`${resource}/todos/${todo.id}`);
  expect(Math.abs(Date.parse(todo.created_at) - Date.now())).toBeLessThan(60_000);

  expect(await call('GET', `/api/v1/todos/${todo.id}`)).toMatchObject({ status: 200, body: todo });
  const changed = await call('PATCH', `/api/v1/todos/${todo.id}`, { completed: true, description: 'two litres' });
  expect(changed).toMatchObject({
    status: 200,
    body: {
      ...todo,
      completed: true,
      description: 'two litres',
      version: 2,
      completed_at: expect.any(String),
      updated_at: expect.any(String),
    },
  });
  expect(Todo.parse(changed.body).updated_at > todo.updated_at).toBe(true);
  // like PATCH, PUT changes only the fields that are sent
  expect(await call('PUT', `/api/v1/todos/${todo.id}`, { description: null })).toMatchObject({
    status: 200,
    body: { title: 'Buy milk', completed: true, description: null },
  });
  expect(await call('DELETE', `/api/v1/todos/${todo.id}`)).toMatchObject({
    status: 200,
    body: { message: 'The todo was deleted' },
  });
  expect(await call('GET', `/api/v1/todos/${todo.id}`)).toMatchObject({ status: 404 });
});

test('a list is an array with the oldest todo first', async () => {
  const call = await api.createCaller();
  expect(await call('GET', '/api/v1/todos')).toMatchObject({ status: 200, body: [] });
  for (const title of ['one', 'two', 'three']) await call('POST', '/api/v1/todos', { title });
  const { body } = await call('GET', '/api/v1/todos');
  expect(
    Todo.array()
      .parse(body)
      .map(({ title }) => title),
  ).toEqual(['one', 'two', 'three']);
});

test('every path works with a trailing slash', async () => {
  const call = await api.createCaller();
  const created = await call('POST', '/api/v1/todos/', { title: 'slash' });
  expect(created.status).toBe(201);
  const body = Todo.parse(created.body);
  expect((await call('GET', '/api/v1/todos/')).body).toEqual([body]);
  expect((await call('GET', `/api/v1/todos/${body.id}/`)).body).toEqual(body);
  expect((await call('PATCH', `/api/v1/todos/${body.id}/`, {})).status).toBe(200);
  expect((await call('PUT', `/api/v1/todos/${body.id}/`, {})).status).toBe(200);
  expect((await call('DELETE', `/api/v1/todos/${body.id}/`)).status).toBe(200);
});

test('a todo of another subject gets the same response as an id that no todo has', async () => {
  const [owner, other] = [await api.createCaller(), await api.createCaller()];
  const body = Todo.parse((await owner('POST', '/api/v1/todos', { title: 'private' })).body);
  const responsesTo = async (id: string) => [
    await other('GET', `/api/v1/todos/${id}`),
    await other('PATCH', `/api/v1/todos/${id}`, { title: 'mine now' }),
    await other('PUT', `/api/v1/todos/${id}`, { title: 'mine now' }),
    await other('DELETE', `/api/v1/todos/${id}`),
  ];
  const absent = await responsesTo(UNKNOWN);
  const others = await responsesTo(body.id);
  expect(others.map(({ status, body }) => ({ status, body }))).toEqual(
    absent.map(({ status, body }) => ({ status, body })),
  );
  expect(others.map(({ status }) => status)).toEqual([404, 404, 404, 404]);
  expect((await other('GET', '/api/v1/todos')).body).toEqual([]);
  expect((await owner('GET', `/api/v1/todos/${body.id}`)).body).toEqual(body);
});

test('each operation requires its scope', async () => {
  const reader = await api.createCaller({ scope: 'todos:read' });
  const writer = await api.createCaller({ scope: 'todos:write' });
  const challenge = (scope: string) =>
    `Bearer error="insufficient_scope", error_description="The access token lacks the scope ${scope}. Sign in again and allow it", ` +
    'resource_metadata="http://api.example/.well-known/oauth-protected-resource/api/v1", scope="todos:read todos:write"';
  const responses = [
    [await writer('GET', '/api/v1/todos'), 'todos:read'],
    [await writer('GET', `/api/v1/todos/${UNKNOWN}`), 'todos:read'],
    [await reader('POST', '/api/v1/todos', { title: 'no' }), 'todos:write'],
    [await reader('PATCH', `/api/v1/todos/${UNKNOWN}`, {}), 'todos:write'],
    [await reader('PUT', `/api/v1/todos/${UNKNOWN}`, {}), 'todos:write'],
    [await reader('DELETE', `/api/v1/todos/${UNKNOWN}`), 'todos:write'],
  ] as const;
  for (const [{ status, headers, body }, scope] of responses) {
    expect({ status, challenge: headers.get('www-authenticate') }).toEqual({
      status: 403,
      challenge: challenge(scope),
    });
    expect(body).toMatchObject({ status: 403, title: 'Forbidden' });
  }
  expect((await reader('GET', '/api/v1/todos')).status).toBe(200);
  expect((await writer('POST', '/api/v1/todos', { title: 'yes' })).status).toBe(201);
});

test.each([
  [{}, 'title'],
  [{ title: '' }, 'title'],
  [{ title: ' \t ' }, 'title'],
  [{ title: 1 }, 'title'],
  [{ title: null }, 'title'],
  [{ title: 'a'.repeat(501) }, 'title'],
  [{ title: 'nul \0' }, 'title'],
  [{ title: 'surrogate \ud800' }, 'title'],
  [{ title: 'a', description: 'b'.repeat(10_001) }, 'description'],
  [{ title: 'a', description: 'nul \0' }, 'description'],
  [{ title: 'a', completed: 'yes' }, 'completed'],
  [{ title: 'a', completed: null }, 'completed'],
  [{ title: 'a', id: UNKNOWN }, 'id'],
  [{ title: 'a', owner: 'another subject' }, 'owner'],
  [[], 'body'],
  ['title', 'body'],
  [1e308, 'body'],
])('the new todo %j is rejected because of its %s', async (todo, field) => {
  const call = await api.createCaller();
  const answer = await call('POST', '/api/v1/todos', todo);
  expect(answer.status).toBe(400);
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  expect(answer.body).toMatchObject({ title: 'Bad Request', errors: [{ field, expected: expect.any(String) }] });
  expect((await call('GET', '/api/v1/todos')).body).toEqual([]);
});

test('a todo with the longest texts is stored unchanged', async () => {
  const call = await api.createCaller();
  const todo = {
    title: `${'ä'.repeat(498)}🎉`,
    description: `"quoted" \\ 'and' ${'b'.repeat(9_980)}\n\t`,
    completed: true,
  };
  const { status, body } = await call('POST', '/api/v1/todos', todo);
  expect({ status, body }).toMatchObject({ status: 201, body: todo });
});

test.each(['not-a-uuid', '1', `${UNKNOWN}x`, '%00', "'; drop table api.todo; --"])(
  'the id %s gets 404 with "expected a UUID"',
  async (id) => {
    const call = await api.createCaller();
    for (const method of ['GET', 'DELETE']) {
      expect(await call(method, `/api/v1/todos/${encodeURIComponent(id)}`)).toMatchObject({
        status: 404,
        body: { errors: [{ field: 'id', expected: 'a UUID' }] },
      });
    }
  },
);

test('concurrent changes of different fields are all stored', async () => {
  const call = await api.createCaller();
  const body = Todo.parse((await call('POST', '/api/v1/todos', { title: 'together' })).body);
  await Promise.all([
    call('PATCH', `/api/v1/todos/${body.id}`, { title: 'renamed' }),
    call('PATCH', `/api/v1/todos/${body.id}`, { description: 'described' }),
    call('PATCH', `/api/v1/todos/${body.id}`, { completed: true }),
  ]);
  expect((await call('GET', `/api/v1/todos/${body.id}`)).body).toMatchObject({
    title: 'renamed',
    description: 'described',
    completed: true,
  });
});

test('a path in another case gets 404, with and without an access token', async () => {
  const call = await api.createCaller();
  for (const path of ['/API/v1/todos', '/api/V1/todos', '/api/v1/TODOS']) {
    expect(await call('GET', path)).toMatchObject({ status: 404 });
    expect((await api.fetch(path)).status).toBe(404);
  }
});

test('an unknown path gets a problem, and a wrong method gets the allowed methods', async () => {
  const call = await api.createCaller();
  expect(await call('GET', '/api/v1/nothing')).toMatchObject({
    status: 404,
    body: { status: 404, detail: 'There is nothing at /api/v1/nothing' },
  });
  const wrong = await call('DELETE', '/api/v1/todos');
  expect(wrong).toMatchObject({ status: 405, body: { status: 405, title: 'Method Not Allowed' } });
  expect(wrong.headers.get('allow')?.split(', ').sort()).toEqual(['GET', 'HEAD', 'POST']);
});

test('the protected resource metadata is public, at both paths', async () => {
  for (const path of ['/.well-known/oauth-protected-resource', '/.well-known/oauth-protected-resource/api/v1']) {
    const response = await api.fetch(path);
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    expect(await response.json()).toEqual({
      resource,
      authorization_servers: [api.issuer.identifier],
      scopes_supported: ['todos:read', 'todos:write'],
      bearer_methods_supported: ['header'],
      resource_name: 'Todos',
    });
  }
});

test('GET / leads to the documentation, the description and the metadata', async () => {
  const response = await api.fetch('/');
  expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
  const { name, links } = ServiceIndexBody.parse(await response.json());
  expect(name).toBe('Todos');
  const paths = links
    .map(({ href }) => new URL(href))
    .map(({ origin, pathname }) => {
      expect(origin).toBe('http://api.example');
      return pathname;
    });
  expect(paths).toEqual(['/docs', '/openapi.json', '/.well-known/oauth-protected-resource/api/v1', '/health/ready']);
  for (const path of paths) expect((await api.fetch(path)).status, path).toBe(200);
  const page = await api.fetch('/', { headers: { accept: 'text/html' } });
  expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(await page.text()).toContain('<a href="http://api.example/docs">');
});

test('the health endpoints and the metrics answer', async () => {
  const get = async (path: string) => {
    const response = await api.fetch(path);
    return { status: response.status, text: await response.text() };
  };
  expect(await get('/health/live')).toEqual({ status: 200, text: '{"status":"ok"}' });
  expect(await get('/health/ready')).toEqual({
    status: 200,
    text: '{"status":"ok","checks":{"database":"ok","keys":"ok"}}',
  });
  expect((await get('/metrics')).text).toMatch(
    /http_request_duration_seconds_count\{method="GET",route="\/health\/live",status="200"\} [1-9]/,
  );
});
