import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { ClientCredentialsProvider, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { FEATURES } from '../../mcp/features.ts';
import { tools } from '../../mcp/tools/index.ts';
import { connectOverHttp } from '../support/mcp-client.ts';
import {
  connectClientV2,
  connectV2OverHttp,
  connectV2OverStdio,
  connectV2OverStreams,
  type McpClientV2,
  PINNED,
} from '../support/mcp-client-v2.ts';
import { createModernRequest } from '../support/mcp-messages.ts';
import { postMcpMessage } from '../support/post-mcp-message.ts';
import { startMcpApp } from '../support/start-mcp-app.ts';
import { type System, startSystem, type TestClient } from '../support/start-system.ts';
import { startTodoApiDouble } from '../support/start-todo-api-double.ts';

let system: System;
let token: string;
let readToken: string;
beforeAll(async () => {
  system = await startSystem();
  const getAccessToken = (client: TestClient) => system.getAccessToken(client, { resource: system.mcpResource });
  token = await getAccessToken(await system.registerClient());
  readToken = await getAccessToken(await system.registerClient({ scopes: ['todos:read'] }));
});
afterAll(() => system[Symbol.asyncDispose]());

const ID = '00000000-0000-4000-8000-000000000000';

/** Sends a request of MCP 2026-07-28. A header that is undefined is not sent. */
async function send(
  method: string,
  params: Record<string, unknown> = {},
  {
    headers = {},
    accessToken = token,
    query = '',
  }: { headers?: Record<string, string | undefined>; accessToken?: string; query?: string } = {},
) {
  const { message, headers: own } = createModernRequest(method, params);
  const given = Object.entries({
    authorization: accessToken && `Bearer ${accessToken}`,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    ...own,
    ...headers,
  }).flatMap(([name, value]) => (value ? [[name, value] as const] : []));
  // node:http also sends a Host header
  const sent = request(system.mcpResource + query, { method: 'POST', headers: Object.fromEntries(given) });
  const response = new Promise<{ status: number | undefined; headers: object; body: unknown }>((resolve, reject) => {
    sent.on('error', reject).on('response', async (incoming) => {
      const body = await text(incoming);
      const json = incoming.headers['content-type']?.includes('json') ? JSON.parse(body) : body;
      resolve({ status: incoming.statusCode, headers: incoming.headers, body: json });
    });
  });
  sent.end(JSON.stringify(message));
  return response;
}

const errorResponse = (code: number, others: object = {}) => ({ jsonrpc: '2.0', id: 1, error: { code, ...others } });

test('server/discover names the versions, the capabilities, the extensions and the server', async () => {
  expect(await send('server/discover')).toMatchObject({
    status: 200,
    body: {
      result: {
        resultType: 'complete',
        supportedVersions: ['2026-07-28'],
        capabilities: {
          tools: {},
          resources: {},
          prompts: {},
          completions: {},
          extensions: { 'io.modelcontextprotocol/oauth-client-credentials': {}, 'io.modelcontextprotocol/ui': {} },
        },
        instructions: FEATURES.instructions,
        ttlMs: 300_000,
        cacheScope: 'private',
        _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'yata', version: '0.1.0' } },
      },
    },
  });
});

test.each([
  [
    'an unknown version',
    'tools/list',
    { _meta: { 'io.modelcontextprotocol/protocolVersion': '2027-01-01' } },
    { 'mcp-protocol-version': '2027-01-01' },
    400,
    errorResponse(-32022, { data: { supported: ['2026-07-28'], requested: '2027-01-01' } }),
  ],
  [
    'another version in the header',
    'tools/list',
    {},
    { 'mcp-protocol-version': '2025-11-25' },
    400,
    errorResponse(-32020),
  ],
  ['no version in the header', 'tools/list', {}, { 'mcp-protocol-version': undefined }, 400, errorResponse(-32020)],
  ['another method in the header', 'tools/list', {}, { 'mcp-method': 'tools/call' }, 400, errorResponse(-32020)],
  [
    'another tool in the header',
    'tools/call',
    { name: 'delete_todo', arguments: { id: ID } },
    { 'mcp-name': 'get_todo' },
    400,
    errorResponse(-32020),
  ],
  [
    'no tool in the header',
    'tools/call',
    { name: 'list_todos' },
    { 'mcp-name': undefined },
    400,
    errorResponse(-32020),
  ],
  [
    'no capabilities of the client',
    'tools/list',
    { _meta: { 'io.modelcontextprotocol/clientCapabilities': undefined } },
    {},
    400,
    errorResponse(-32602),
  ],
  ['an unknown method', 'todos/list', {}, {}, 404, errorResponse(-32601)],
  ['a method of earlier revisions', 'initialize', {}, {}, 404, errorResponse(-32601)],
  [
    'a subscription',
    'subscriptions/listen',
    { notifications: { toolsListChanged: true } },
    {},
    404,
    errorResponse(-32601),
  ],
  ['an unknown tool', 'tools/call', { name: 'drop_todos' }, {}, 200, errorResponse(-32602)],
  [
    'missing params',
    'tools/call',
    {},
    {},
    200,
    errorResponse(-32602, { message: 'tools/call: params.name is missing or not valid' }),
  ],
  [
    'a cursor',
    'tools/list',
    { cursor: 'x' },
    {},
    200,
    errorResponse(-32602, { message: 'tools/list: params.cursor is not one of this server: the list has one page' }),
  ],
  ['a resource that does not exist', 'resources/read', { uri: `todo://${ID}` }, {}, 200, errorResponse(-32602)],
])('a request with %s is answered with its error', async (_what, method, params, headers, status, body) => {
  expect(await send(method, params, { headers })).toMatchObject({ status, body });
});

test('a resource that does not exist has an error code of its own in earlier revisions', async () => {
  await using client = await connectOverHttp(system, await system.registerClient());
  await expect(client.readResource({ uri: `todo://${ID}` })).rejects.toMatchObject({ code: -32002 });
});

test('a call whose name in the header differs is not executed', async () => {
  const title = 'must not exist';
  const params = { name: 'create_todo', arguments: { title } };
  expect(await send('tools/call', params, { headers: { 'mcp-name': 'list_todos' } })).toMatchObject({ status: 400 });
  expect(JSON.stringify((await send('tools/call', { name: 'list_todos' })).body)).not.toContain(title);
});

describe('the checks before a request is answered', () => {
  const read = { name: 'list_todos' };
  const write = { name: 'create_todo', arguments: { title: 'no' } };

  test('without an access token, and with one that is not valid, it gets a 401 that names the metadata', async () => {
    const { origin } = new URL(system.mcpResource);
    for (const accessToken of ['', 'x.y.z'])
      expect(await send('tools/call', read, { accessToken })).toMatchObject({
        status: 401,
        headers: {
          'www-authenticate': expect.stringContaining(
            `resource_metadata="${origin}/.well-known/oauth-protected-resource/mcp"`,
          ),
        },
      });
  });

  test('without the scope of the tool it gets a 403 that names the scope', async () => {
    expect(await send('tools/call', write, { accessToken: readToken })).toMatchObject({
      status: 403,
      headers: {
        'www-authenticate': expect.stringMatching(/^Bearer error="insufficient_scope", .*scope="todos:write"$/),
      },
      body: { id: 1, error: { data: { code: 'insufficient_scope' } } },
    });
    expect(await send('tools/call', read, { accessToken: readToken })).toMatchObject({
      status: 200,
      body: { result: { structuredContent: { todos: [], total: 0 } } },
    });
  });

  test('in read-only mode the tools that change data do not exist', async () => {
    expect(await send('tools/call', write, { query: '?mode=read' })).toMatchObject({ body: errorResponse(-32602) });
    expect(await send('tools/list', {}, { query: '?mode=all' })).toMatchObject({ status: 400 });
  });

  test.each([
    ['host', 'evil.example'],
    ['origin', 'http://evil.example'],
  ])('from a foreign %s it gets a 403', async (name, value) => {
    expect(await send('tools/list', {}, { headers: { [name]: value } })).toMatchObject({ status: 403 });
  });

  test('with a body that is too large it gets a 413', async () => {
    const params = { name: 'create_todo', arguments: { title: 'x'.repeat(1_000_000) } };
    expect(await send('tools/call', params)).toMatchObject({
      status: 413,
      body: { error: { data: { code: 'content_too_large' } } },
    });
  });
});

test('lists are those of earlier revisions, in the same order each time, and belong to the caller', async () => {
  await using earlier = await connectOverHttp(system, await system.registerClient());
  const cached = { resultType: 'complete', ttlMs: 300_000, cacheScope: 'private' };
  for (const [method, listed] of [
    ['tools/list', await earlier.listTools()],
    ['resources/list', await earlier.listResources()],
    ['resources/templates/list', await earlier.listResourceTemplates()],
    ['prompts/list', await earlier.listPrompts()],
  ] as const) {
    const { body } = await send(method);
    expect(body).toMatchObject({ result: { ...listed, ...cached } });
    expect((await send(method)).body).toEqual(body);
  }
  expect(await send('resources/read', { uri: 'ui://yata/todo-list' })).toMatchObject({
    body: { result: { ttlMs: 0, cacheScope: 'private' } },
  });
});

test('lists vary with the granted scopes', async () => {
  const readOnly = tools.filter(({ annotations }) => annotations.readOnlyHint).map(({ name }) => ({ name }));
  for (const answer of [
    await send('tools/list', {}, { accessToken: readToken }),
    await send('tools/list', {}, { query: '?mode=read' }),
  ])
    expect(answer).toMatchObject({ body: { result: { tools: readOnly } } });
});

test('a result for a View says when the caller can only read', async () => {
  const call = { name: 'list_todos' };
  expect(await send('tools/call', call, { accessToken: readToken })).toMatchObject({
    body: { result: { _meta: { 'yata/read_only': true } } },
  });
  expect((await send('tools/call', call)).body).not.toHaveProperty(['result', '_meta', 'yata/read_only']);
});

test.each([
  ['null', null, {}],
  ['in a string', '{"limit": 1}', {}],
  ['with null', { limit: 1, cursor: null }, {}],
  ['with null for a cursor', {}, { cursor: null }],
])('arguments that are %s are read as they were meant', async (_what, args, others) => {
  expect(await send('tools/call', { name: 'list_todos', arguments: args, ...others })).toMatchObject({
    body: { result: { structuredContent: { todos: [], total: 0 } } },
  });
});

describe('progress', () => {
  const BATCH = { operations: [{ op: 'create', title: 'one' }] };
  const call = (title: string) => ({
    name: 'batch_todos',
    arguments: { operations: [{ op: 'create', title }] },
    _meta: { progressToken: 'p' },
  });

  test('is sent as events before the result', async () => {
    const { headers, body } = await send('tools/call', call('streamed'));
    expect(headers).toMatchObject({ 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' });
    const events = Array.from(String(body).matchAll(/^data: (.*)$/gm), ([, data = '']) => JSON.parse(data));
    expect(events).toMatchObject([
      { method: 'notifications/progress', params: { progressToken: 'p', progress: 0, total: 1 } },
      { method: 'notifications/progress', params: { progressToken: 'p', progress: 1, total: 1 } },
      { id: 1, result: { resultType: 'complete' } },
    ]);
  });

  test('is not sent to a client that reads no events, and one that reads nothing else gets its result in one', async () => {
    expect(await send('tools/call', call('json'), { headers: { accept: 'application/json' } })).toMatchObject({
      headers: { 'content-type': 'application/json' },
      body: { result: { resultType: 'complete' } },
    });
    const events = await send('tools/list', {}, { headers: { accept: 'text/event-stream' } });
    expect(events).toMatchObject({
      headers: { 'content-type': 'text/event-stream' },
      body: expect.stringContaining('"tools":['),
    });
  });

  test.each([
    ['before the API has answered', undefined],
    ['of a stream', { progressToken: 'p' }],
  ])('closing the connection %s cancels the request to the API', async (_when, meta) => {
    await using double = await startTodoApiDouble(() => undefined);
    await using mcp = await startMcpApp({ features: FEATURES, apiBaseUrl: double.resource });
    const { message, headers } = createModernRequest('tools/call', {
      name: 'batch_todos',
      arguments: BATCH,
      _meta: meta,
    });
    const authorization = `Bearer ${await mcp.issuer.issue()}`;
    const sent = request(mcp.resource, {
      method: 'POST',
      agent: false,
      headers: {
        authorization,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...headers,
      },
    });
    sent.on('error', () => {});
    sent.end(JSON.stringify(message));
    if (meta === undefined) await vi.waitFor(() => expect(double.requests).toHaveLength(1), 10_000);
    else await new Promise((resolve) => sent.on('response', (response) => response.once('data', resolve)));
    expect(double.requests.map(({ isAborted }) => isAborted())).toEqual([false]);
    sent.destroy();
    await vi.waitFor(() => expect(double.requests.map(({ isAborted }) => isAborted())).toEqual([true]), 10_000);
  });

  test('an access token that the API rejects is still a 401', { retry: 3 }, async () => {
    await using double = await startTodoApiDouble(() => ({ status: 401 }));
    await using mcp = await startMcpApp({ features: FEATURES, apiBaseUrl: double.resource });
    const { message, headers } = createModernRequest('tools/call', call('rejected'));
    const response = await postMcpMessage(mcp.resource, message, { accessToken: await mcp.issuer.issue(), headers });
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toContain('error="invalid_token"');
  });
});

test('without a version in the body a message is one of an earlier revision', async () => {
  const message = { jsonrpc: '2.0', id: 1, method: 'tools/list' };
  const earlier = await postMcpMessage(system.mcpResource, message, { accessToken: token });
  expect(await earlier.json()).not.toHaveProperty('result.resultType');
  const headers = { 'mcp-protocol-version': '2026-07-28' };
  const mixed = await postMcpMessage(system.mcpResource, message, { accessToken: token, headers });
  expect({ status: mixed.status, body: await mixed.json() }).toMatchObject({
    status: 400,
    body: errorResponse(-32602),
  });
});

const MODES = [
  ['legacy', 'legacy', '2025-11-25'],
  ['auto', 'auto', '2026-07-28'],
  ['pinned', PINNED, '2026-07-28'],
] as const;

describe.each(MODES)('the client of SDK v2 in the mode %s', (_name, mode, version) => {
  async function expectToWork(client: McpClientV2): Promise<void> {
    expect(client.getNegotiatedProtocolVersion()).toBe(version);
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(tools.map(({ name }) => name));
    const created = await client.callTool({ name: 'create_todo', arguments: { title: 'by SDK v2' } });
    expect(created).toMatchObject({ structuredContent: { title: 'by SDK v2' } });
    const progress: number[] = [];
    const batch = { operations: [{ op: 'create', title: 'another' }] };
    await client.callTool(
      { name: 'batch_todos', arguments: batch },
      { onprogress: ({ progress: done }) => progress.push(done) },
    );
    expect(progress[0]).toBe(0);
    await client.readResource({ uri: 'todo://today' });
    expect((await client.getPrompt({ name: 'plan_my_day' })).messages).toHaveLength(2);
  }

  test('works over Streamable HTTP', async () => {
    await using client = await connectV2OverHttp(system, await system.registerClient(), mode);
    await expectToWork(client);
  });

  test('works over stdio', async () => {
    await using client = await connectV2OverStdio(system, await system.registerClient(), mode);
    await expectToWork(client);
  });
});

test('the client of SDK v2 connects with client credentials and the URL', async () => {
  const { id, secret } = await system.registerClient();
  const authProvider = new ClientCredentialsProvider({
    clientId: id,
    clientSecret: secret,
    expectedIssuer: system.issuer,
  });
  const transport = new StreamableHTTPClientTransport(new URL(system.mcpResource), { authProvider });
  await using client = await connectClientV2(transport, PINNED);
  expect(client.getServerCapabilities()?.extensions).toHaveProperty([
    'io.modelcontextprotocol/oauth-client-credentials',
  ]);
  expect(await client.callTool({ name: 'list_todos' })).toMatchObject({ structuredContent: { total: 0 } });
});

test('over stdio a request is cancelled by a notification', async () => {
  await using double = await startTodoApiDouble(() => undefined);
  await using client = await connectV2OverStreams(
    { apiResource: double.resource },
    { id: 'test', secret: 'test' },
    { OAUTH_TOKEN_URL: double.tokenUrl },
  );
  const controller = new AbortController();
  const called = client.callTool({ name: 'get_todo', arguments: { id: ID } }, { signal: controller.signal });
  called.catch(() => {});
  await vi.waitFor(() => expect(double.requests).toHaveLength(1), 10_000);
  controller.abort();
  await vi.waitFor(() => expect(double.requests.map(({ isAborted }) => isAborted())).toEqual([true]), 10_000);
  await expect(called).rejects.toThrow();
});
