import { request } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createToolCall, INITIALIZE, LIST_TOOLS } from '../support/mcp-messages.ts';
import { postMcpMessage } from '../support/post-mcp-message.ts';
import { requestTodos } from '../support/request-todos.ts';
import { type System, startSystem } from '../support/start-system.ts';

let system: System;
let token: string;
beforeAll(async () => {
  system = await startSystem();
  token = await system.getAccessToken(await system.registerClient(), { resource: system.mcpResource });
});
afterAll(() => system[Symbol.asyncDispose]());

/** Sends a message with any headers, also those that `fetch` does not allow to set. */
function send(
  message: unknown,
  { method = 'POST', headers = {} }: { method?: string; headers?: Record<string, string | undefined> } = {},
) {
  return new Promise<{ status: number | undefined; headers: Record<string, unknown>; body: unknown }>(
    (resolve, reject) => {
      const sent: Record<string, string> = {};
      const all = {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...headers,
      };
      for (const [name, value] of Object.entries(all)) if (value !== undefined) sent[name] = value;
      request(system.mcpResource, { method, headers: sent }, (response) => {
        let text = '';
        response.on('data', (chunk) => {
          text += chunk;
        });
        response.on('end', () =>
          resolve({
            status: response.statusCode,
            headers: response.headers,
            body: /^[[{]/.test(text) ? JSON.parse(text) : text || undefined,
          }),
        );
      })
        .on('error', reject)
        .end(method === 'POST' ? (typeof message === 'string' ? message : JSON.stringify(message)) : undefined);
    },
  );
}

const errorResponse = (message: string | RegExp, code = -32600, id: unknown = null) => ({
  jsonrpc: '2.0',
  id,
  error: { code, message: typeof message === 'string' ? message : expect.stringMatching(message) },
});

test('the response to a message is JSON, and has no session id', async () => {
  const answer = await send(LIST_TOOLS);
  expect(answer).toMatchObject({ status: 200, body: { jsonrpc: '2.0', id: 1, result: { tools: expect.any(Array) } } });
  expect(answer.headers).toMatchObject({ 'content-type': 'application/json', 'cache-control': 'private, no-store' });
  expect(answer.headers).not.toHaveProperty('mcp-session-id');
  expect(await send({ jsonrpc: '2.0', method: 'notifications/initialized' })).toMatchObject({
    status: 202,
    body: undefined,
  });
});

test('GET, DELETE and PUT get a 405', async () => {
  for (const method of ['GET', 'DELETE', 'PUT']) {
    const answer = await send(undefined, { method });
    expect(answer).toMatchObject({
      status: 405,
      headers: { allow: 'POST' },
      body: errorResponse(`${method} is not allowed here. Allowed: POST`),
    });
  }
});

test('every request without an access token gets a 401, initialize too', async () => {
  const { origin } = new URL(system.mcpResource);
  const challenge = `Bearer resource_metadata="${origin}/.well-known/oauth-protected-resource/mcp", scope="todos:read todos:write"`;
  expect(await send(INITIALIZE)).toMatchObject({ status: 200 });
  for (const [message, method] of [
    [INITIALIZE, 'POST'],
    [LIST_TOOLS, 'POST'],
    [undefined, 'GET'],
  ] as const) {
    expect(await send(message, { method, headers: { authorization: undefined } })).toMatchObject({
      status: 401,
      headers: { 'www-authenticate': challenge },
      body: errorResponse('An access token is needed'),
    });
  }
});

test.each([
  [
    'host',
    'evil.example',
    /^host: expected 127\.0\.0\.1:\d+, not evil\.example\. The operator of this server can allow other hosts \(MCP_ALLOWED_HOSTS\)$/,
  ],
  ['host', 'localhost', /^host: expected/],
  ['origin', 'http://evil.example', /^origin: expected no Origin header, or http:/],
  ['origin', 'null', /^origin: expected no Origin header, or http:/],
])('the foreign %s %s gets a 403', async (name, value, message) => {
  expect(await send(LIST_TOOLS, { headers: { [name]: value } })).toMatchObject({
    status: 403,
    body: errorResponse(message),
  });
});

test('the Host and the Origin of the server are accepted', async () => {
  const { host, origin } = new URL(system.mcpResource);
  expect(await send(LIST_TOOLS, { headers: { host, origin } })).toMatchObject({ status: 200 });
});

test('a tool that needs another scope gets a 403 that names the scope', async () => {
  const reader = await system.registerClient({ scopes: ['todos:read'] });
  const authorization = `Bearer ${await system.getAccessToken(reader, { resource: system.mcpResource })}`;
  const answer = await send(createToolCall('create_todo', { title: 'no' }), { headers: { authorization } });
  expect(answer).toMatchObject({
    status: 403,
    headers: {
      'www-authenticate': expect.stringMatching(/^Bearer error="insufficient_scope", .* scope="todos:write"$/),
    },
    body: errorResponse('The access token lacks the scope todos:write', -32600, 1),
  });
  expect(await send(createToolCall('list_todos'), { headers: { authorization } })).toMatchObject({
    status: 200,
    body: { result: { structuredContent: { todos: [] } } },
  });
});

test.each([
  ['{"jsonrpc":', 400, /^body: expected JSON/, -32700],
  ['[]', 400, /^body: expected one JSON-RPC message$/],
  [[LIST_TOOLS, LIST_TOOLS], 400, /^body: expected one JSON-RPC message$/],
  [{ id: 1, method: 'tools/list' }, 400, /^jsonrpc: expected "2.0"$/, -32600, 1],
  [{ jsonrpc: '2.0', id: 'a', method: 5 }, 400, /^method: expected a string/, -32600, 'a'],
  [{ jsonrpc: '2.0', id: 7, method: 'tools/list', params: [] }, 400, /^params: expected a JSON object/, -32600, 7],
  [{ jsonrpc: '2.0' }, 400, /^body: expected one JSON-RPC message$/],
  [{ jsonrpc: '2.0', id: {}, method: 'tools/list' }, 400, /^body: expected one JSON-RPC message$/],
  [`"${'a'.repeat(1_000_000)}"`, 413, /^body: expected at most 1000000 bytes$/],
])('the message %.20j is rejected', async (message, status, text, code?: number, id?: unknown) => {
  expect(await send(message)).toMatchObject({ status, body: errorResponse(text, code, id) });
});

test('an unknown protocol version, and unsupported Accept and Content-Type headers, are rejected', async () => {
  expect(await send(LIST_TOOLS, { headers: { 'mcp-protocol-version': '1999-01-01' } })).toMatchObject({ status: 400 });
  expect(await send(LIST_TOOLS, { headers: { accept: 'text/html' } })).toMatchObject({
    status: 406,
    body: errorResponse('accept: expected application/json and text/event-stream', -32600, 1),
  });
  expect(await send('x=1', { headers: { 'content-type': 'text/plain' } })).toMatchObject({ status: 415 });
});

test.each([
  ['*/*', 'application/json'],
  ['application/json', 'application/json'],
  ['application/*', 'application/json'],
  [undefined, 'application/json'],
  ['application/json, text/event-stream', 'application/json'],
  ['text/event-stream', 'text/event-stream'],
])('a client that accepts %s gets %s', async (accept, type) => {
  const answer = await send(LIST_TOOLS, { headers: { accept } });
  expect(answer).toMatchObject({ status: 200, headers: { 'content-type': expect.stringContaining(type) } });
});

test.each([
  ['params', { ...LIST_TOOLS, params: null }],
  ['a cursor', { ...LIST_TOOLS, params: { cursor: null } }],
  ['_meta', { ...LIST_TOOLS, params: { _meta: null } }],
  ['arguments', { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'list_todos', arguments: null } }],
  [
    'arguments, with metadata of a task,',
    {
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'list_todos', arguments: null, task: { ttl: 1000 } },
    },
  ],
])('%s may be null', async (_name, message) => {
  expect(await send(message)).toMatchObject({ status: 200, body: { id: 1, result: expect.anything() } });
});

test('the params of a notification may be null', async () => {
  expect(await send({ jsonrpc: '2.0', method: 'notifications/initialized', params: null })).toMatchObject({
    status: 202,
  });
});

test.each(['tools/list', 'resources/list', 'resources/templates/list', 'prompts/list'])(
  'a cursor that this server did not issue is rejected by %s',
  async (method) => {
    expect(await send({ jsonrpc: '2.0', id: 4, method, params: { cursor: 'x' } })).toMatchObject({
      body: errorResponse(`${method}: params.cursor is not one of this server: the list has one page`, -32602, 4),
    });
  },
);

test("a tool call writes todos of the caller, and the api rejects the caller's access token for mcp", async () => {
  const caller = await system.registerClient();
  const authorization = `Bearer ${await system.getAccessToken(caller, { resource: system.mcpResource })}`;
  await send(createToolCall('create_todo', { title: 'seen by both' }), { headers: { authorization } });
  const forApi = await system.getAccessToken(caller);
  const todos = await requestTodos(system.apiResource, forApi);
  expect(await todos.json()).toMatchObject([{ title: 'seen by both' }]);
  expect((await fetch(`${system.apiResource}/todos`, { headers: { authorization } })).status).toBe(401);
});

test('parallel calls with one access token exchange it once', async () => {
  const caller = await system.registerClient();
  const authorization = `Bearer ${await system.getAccessToken(caller, { resource: system.mcpResource })}`;
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => send(createToolCall('list_todos'), { headers: { authorization } })),
  );
  expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
  const metrics = await (await fetch(`${system.issuer}/metrics`)).text();
  const exchanges = /oauth_token_request_duration_seconds_count\{grant_type="token_exchange",error="none"\} (\d+)/;
  const before = Number(exchanges.exec(metrics)?.[1]);
  expect(before).toBeGreaterThan(0);
  await send(createToolCall('list_todos'), { headers: { authorization } });
  const after = await (await fetch(`${system.issuer}/metrics`)).text();
  expect(Number(exchanges.exec(after)?.[1])).toBe(before);
});

test('without auth a tool call gets a tool error, unless its access token was exchanged before', async () => {
  await using own = await startSystem();
  const client = await own.registerClient();
  const tokens = [1, 2].map(() => own.getAccessToken(client, { resource: own.mcpResource }));
  const [exchanged = '', fresh = ''] = await Promise.all(tokens);
  const post = async (accessToken: string) => {
    const response = await postMcpMessage(own.mcpResource, createToolCall('list_todos'), { accessToken });
    return { status: response.status, body: await response.json() };
  };
  expect(await post(exchanged)).toMatchObject({ status: 200, body: { result: { structuredContent: { todos: [] } } } });
  await own.stopAuth();
  expect(await post(exchanged)).toMatchObject({ status: 200, body: { result: { structuredContent: { todos: [] } } } });
  expect(await post(fresh)).toMatchObject({
    status: 200,
    body: {
      result: {
        isError: true,
        content: [
          {
            text: expect.stringMatching(
              /^The authorization server at http:.* cannot be reached: nothing listens there\. /,
            ),
          },
        ],
      },
    },
  });
});

test('GET / says that this is an MCP server, and which URL an MCP host needs', async () => {
  const { origin } = new URL(system.mcpResource);
  const response = await fetch(`${origin}/`);
  expect(response.status).toBe(200);
  expect(await response.json()).toEqual({
    name: 'yata MCP server',
    description: expect.stringContaining(`add the URL ${system.mcpResource} to its MCP host`),
    links: [
      { href: system.mcpResource, title: expect.any(String) },
      { href: `${origin}/.well-known/oauth-protected-resource/mcp`, title: expect.any(String) },
      { href: `${origin}/health/ready`, title: expect.any(String) },
    ],
  });
  const page = await fetch(`${origin}/`, { headers: { accept: 'text/html' } });
  expect(page.headers.get('content-type')).toMatch(/^text\/html/);
  expect((await fetch(`${origin}/`, { method: 'POST' })).status).toBe(404);
});
