import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tools } from '../../mcp/tools/index.ts';
import { connectOverHttp, connectOverStdio, type McpClient } from '../support/mcp-client.ts';
import { postMcpMessage } from '../support/post-mcp-message.ts';
import { type System, startSystem, type TestClient } from '../support/start-system.ts';

// Which tools, resources and prompts a client is offered: it depends on its granted scopes and on the read-only mode,
// which can only remove some of them.

let system: System;
let readOnly: System;
beforeAll(async () => {
  [system, readOnly] = await Promise.all([startSystem(), startSystem({ MCP_READ_ONLY: 'true' })]);
});
afterAll(async () => {
  await Promise.all([system[Symbol.asyncDispose](), readOnly[Symbol.asyncDispose]()]);
});

const READING = tools.filter(({ scope }) => scope === 'todos:read').map(({ name }) => name);
const WRITING = tools.filter(({ scope }) => scope === 'todos:write').map(({ name }) => name);
const ABSENT = '00000000-0000-4000-8000-000000000000';

/** Valid arguments of each tool. */
const ARGUMENTS: Record<string, Record<string, unknown>> = Object.fromEntries(
  tools.map(({ name, example }) => [name, example]),
);

const toolNames = async (client: McpClient) => (await client.listTools()).tools.map(({ name }) => name);

/** Lists resources, templates and prompts, without the page of the View, which contains no todo. */
async function listFeatures(client: McpClient): Promise<string[]> {
  const { resources } = await client.listResources();
  const { resourceTemplates } = await client.listResourceTemplates();
  const { prompts } = await client.listPrompts();
  return [
    ...resources.map(({ uri }) => uri).filter((uri) => uri.startsWith('todo:')),
    ...resourceTemplates.map(({ uriTemplate }) => uriTemplate),
    ...prompts.map(({ name }) => name),
  ];
}
const FEATURES = ['todo://today', 'todo://today{?time_zone}', 'todo://{id}', 'plan_my_day', 'weekly_review'];

/** The requests that return todos, apart from tool calls. */
const READS = [
  { method: 'resources/read', params: { uri: 'todo://today' } },
  { method: 'resources/read', params: { uri: `todo://${ABSENT}` } },
  { method: 'prompts/get', params: { name: 'plan_my_day' } },
  { method: 'prompts/get', params: { name: 'weekly_review' } },
  {
    method: 'completion/complete',
    params: { ref: { type: 'ref/resource', uri: 'todo://{id}' }, argument: { name: 'id', value: '' } },
  },
];

/** Sends a request over HTTP with an access token that has the scopes `scope`, or all that the client may have. */
async function post(
  of: System,
  credentials: TestClient,
  request: { method: string; params?: object },
  { scope, query = '' }: { scope?: string; query?: string } = {},
) {
  const accessToken = await of.getAccessToken(credentials, { resource: of.mcpResource, ...(scope && { scope }) });
  const message = { jsonrpc: '2.0', id: 1, ...request };
  const response = await postMcpMessage(of.mcpResource + query, message, { accessToken });
  return { status: response.status, challenge: response.headers.get('www-authenticate'), body: await response.json() };
}
const callTool = (name: string, args = ARGUMENTS[name]) => ({
  method: 'tools/call',
  params: { name, arguments: args },
});

async function countTodos(of: System, credentials: TestClient): Promise<unknown> {
  const authorization = `Bearer ${await of.getAccessToken(credentials)}`;
  const response = await fetch(`${of.apiResource}/todos?count=true`, { headers: { authorization } });
  return response.headers.get('total-count');
}

const insufficient = (scope: string) => ({
  status: 403,
  challenge: expect.stringMatching(
    new RegExp(`^Bearer error="insufficient_scope", .*resource_metadata="[^"]+", scope="${scope}"$`),
  ),
  body: {
    jsonrpc: '2.0',
    id: 1,
    error: {
      code: -32600,
      message: `The access token lacks the scope ${scope}`,
      data: { code: 'insufficient_scope' },
    },
  },
});
const notAllowed = (scope: string) =>
  `The access token lacks the scope ${scope}. Nothing was done. Tell the user that ${scope} must be granted.`;
const missingScope = (scope: string) => ({ code: 'insufficient_scope', retryable: false, scope });
const unknownTool = { code: -32602, message: 'MCP error -32602: There is no tool with this name' };

test('over HTTP a client without todos:write is offered only the reading tools, and other tools get a 403', async () => {
  const reader = await system.registerClient({ scopes: ['todos:read'] });
  await using client = await connectOverHttp(system, reader);
  expect(await toolNames(client)).toEqual(READING);
  expect(await listFeatures(client)).toEqual(FEATURES);
  expect((await client.callTool({ name: 'list_todos' })).structuredContent).toEqual({ todos: [], total: 0 });
  for (const name of WRITING)
    expect(await post(system, reader, callTool(name)), name).toEqual(insufficient('todos:write'));
  await expect(client.callTool({ name: 'drop_todos' })).rejects.toMatchObject(unknownTool);
  expect(await countTodos(system, reader)).toBe('0');
});

test('over stdio a client without todos:write is offered only the reading tools, and other tools get a tool error', async () => {
  const reader = await system.registerClient({ scopes: ['todos:read'] });
  await using client = await connectOverStdio(system, reader);
  expect(await toolNames(client)).toEqual(READING);
  expect(await listFeatures(client)).toEqual(FEATURES);
  expect((await client.callTool({ name: 'list_todos' })).structuredContent).toEqual({ todos: [], total: 0 });
  for (const name of WRITING)
    expect(await client.callTool({ name, arguments: ARGUMENTS[name] }), name).toEqual({
      isError: true,
      content: [{ type: 'text', text: notAllowed('todos:write') }],
      _meta: { 'yata/error': missingScope('todos:write') },
    });
  await expect(client.callTool({ name: 'drop_todos' })).rejects.toMatchObject(unknownTool);
  expect(await countTodos(system, reader)).toBe('0');
});

test('over HTTP a client without todos:read is offered no resource and no prompt, and each gets a 403', async () => {
  const writer = await system.registerClient({ scopes: ['todos:write'] });
  await using client = await connectOverHttp(system, writer);
  expect(await toolNames(client)).toEqual(WRITING);
  expect(await listFeatures(client)).toEqual([]);
  for (const request of [...READS, ...READING.map((name) => callTool(name))])
    expect(await post(system, writer, request), JSON.stringify(request)).toEqual(insufficient('todos:read'));
  // completions need the scope whatever they refer to
  for (const ref of [
    undefined,
    { type: 'ref/prompt', name: 'unknown' },
    { type: 'ref/resource', uri: 'todo://today' },
  ]) {
    const request = { method: 'completion/complete', params: { ref, argument: { name: 'id', value: '' } } };
    expect(await post(system, writer, request), JSON.stringify(request)).toEqual(insufficient('todos:read'));
  }
  // the client may write, and gets the todo that it wrote
  expect(await client.callTool({ name: 'create_todo', arguments: { title: 'Blind' } })).toMatchObject({
    structuredContent: { title: 'Blind' },
  });
});

test('over stdio a client without todos:read is offered no resource and no prompt, and each gets an error', async () => {
  const writer = await system.registerClient({ scopes: ['todos:write'] });
  await using client = await connectOverStdio(system, writer);
  expect(await toolNames(client)).toEqual(WRITING);
  expect(await listFeatures(client)).toEqual([]);
  const failure = {
    code: -32603,
    message: `MCP error -32603: ${notAllowed('todos:read')}`,
    data: missingScope('todos:read'),
  };
  await expect(client.readResource({ uri: 'todo://today' })).rejects.toMatchObject(failure);
  await expect(client.readResource({ uri: `todo://${ABSENT}` })).rejects.toMatchObject(failure);
  await expect(client.getPrompt({ name: 'plan_my_day' })).rejects.toMatchObject(failure);
  await expect(client.getPrompt({ name: 'weekly_review' })).rejects.toMatchObject(failure);
  const ref = { type: 'ref/resource', uri: 'todo://{id}' } as const;
  await expect(client.complete({ ref, argument: { name: 'id', value: '' } })).rejects.toMatchObject(failure);
  for (const name of READING)
    expect(await client.callTool({ name, arguments: ARGUMENTS[name] }), name).toEqual({
      isError: true,
      content: [{ type: 'text', text: notAllowed('todos:read') }],
      _meta: { 'yata/error': missingScope('todos:read') },
    });
  expect(await client.callTool({ name: 'create_todo', arguments: { title: 'Blind' } })).toMatchObject({
    structuredContent: { title: 'Blind' },
  });
});

describe.each([
  ['by the URL', (client: TestClient) => connectOverHttp(system, client, { query: '?mode=read' }), () => system],
  ['by the environment over HTTP', (client: TestClient) => connectOverHttp(readOnly, client), () => readOnly],
  ['by both', (client: TestClient) => connectOverHttp(readOnly, client, { query: '?mode=read' }), () => readOnly],
  [
    'by the environment over stdio',
    (client: TestClient) => connectOverStdio(system, client, { MCP_READ_ONLY: 'true' }),
    () => system,
  ],
])('read-only %s', (_how, connectReadOnly, of) => {
  test('the writing tools are unknown, and everything that reads works', async () => {
    const credentials = await of().registerClient();
    await using client = await connectReadOnly(credentials);
    expect(await toolNames(client)).toEqual(READING);
    expect(await listFeatures(client)).toEqual(FEATURES);
    expect((await client.callTool({ name: 'list_todos' })).structuredContent).toEqual({ todos: [], total: 0 });
    expect(await client.readResource({ uri: 'todo://today' })).toMatchObject({ contents: [{ uri: 'todo://today' }] });
    for (const name of WRITING)
      await expect(client.callTool({ name, arguments: ARGUMENTS[name] }), name).rejects.toMatchObject(unknownTool);
    expect(await countTodos(of(), credentials)).toBe('0');
  });

  test('a client without todos:read is offered nothing', async () => {
    await using client = await connectReadOnly(await of().registerClient({ scopes: ['todos:write'] }));
    expect(await toolNames(client)).toEqual([]);
    expect(await listFeatures(client)).toEqual([]);
  });
});

test('in read-only mode the scopes are still checked', async () => {
  const credentials = await system.registerClient();
  for (const [of, query] of [
    [system, '?mode=read'],
    [readOnly, ''],
  ] as const) {
    const client = of === system ? credentials : await of.registerClient();
    const options = { scope: 'todos:write', query };
    expect(await post(of, client, callTool('list_todos'), options)).toEqual(insufficient('todos:read'));
    // a tool that is not offered is unknown, with any scope
    expect(await post(of, client, callTool('create_todo'), options)).toMatchObject({
      status: 200,
      body: { error: { code: -32602, message: 'There is no tool with this name' } },
    });
  }
});

test.each(['?mode=write', '?mode=', '?mode=READ', '?mode=read&mode=read', '?mode=read&mode=write'])(
  'the query %s gets a 400, so that a misspelled mode does not offer the writing tools',
  async (query) => {
    for (const of of [system, readOnly]) {
      const answer = await post(of, await of.registerClient(), callTool('create_todo'), { query });
      expect(answer).toEqual({
        status: 400,
        challenge: null,
        body: {
          jsonrpc: '2.0',
          id: 1,
          error: {
            code: -32600,
            message: 'mode: expected read, or no mode',
            data: { code: 'invalid_request', errors: [{ field: 'mode', expected: 'read, or no mode' }] },
          },
        },
      });
    }
  },
);
