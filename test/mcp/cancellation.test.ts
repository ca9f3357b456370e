import { request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { JSONRPCMessage, Progress } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { FEATURES } from '../../mcp/features.ts';
import type { TodoApi } from '../../mcp/todo-api/todo-api.ts';
import { type McpClient, TRANSPORTS, TRANSPORTS_TO_DOUBLE } from '../support/mcp-client.ts';
import { createToolCall } from '../support/mcp-messages.ts';
import { postMcpMessage } from '../support/post-mcp-message.ts';
import { startMcpApp } from '../support/start-mcp-app.ts';
import { type System, startSystem } from '../support/start-system.ts';
import { startTodoApiDouble } from '../support/start-todo-api-double.ts';

let system: System;
beforeAll(async () => {
  system = await startSystem();
});
afterAll(() => system[Symbol.asyncDispose]());

const ID = '00000000-0000-4000-8000-000000000000';
const BATCH = { operations: [1, 2, 3].map((number) => ({ op: 'create', title: `Number ${number}` })) };

const [[, connectOverHttpTo], [, connectOverStdioTo]] = TRANSPORTS_TO_DOUBLE;

/** Returns an array to which every message that the client receives from now on is appended. */
function record({ transport }: McpClient): JSONRPCMessage[] {
  const received: JSONRPCMessage[] = [];
  if (transport === undefined) throw new Error('the client is not connected');
  const { onmessage } = transport;
  transport.onmessage = (message, extra) => {
    received.push(message);
    onmessage?.(message, extra);
  };
  return received;
}

const SLOW: readonly (readonly [string, (client: McpClient, signal: AbortSignal) => Promise<unknown>])[] = [
  [
    'a tool call',
    (client, signal) => client.callTool({ name: 'create_todo', arguments: { title: 'x' } }, undefined, { signal }),
  ],
  [
    'a batch that reports progress',
    (client, signal) =>
      client.callTool({ name: 'batch_todos', arguments: BATCH }, undefined, { signal, onprogress: () => {} }),
  ],
  ['reading a resource', (client, signal) => client.readResource({ uri: `todo://${ID}` }, { signal })],
  ['getting a prompt', (client, signal) => client.getPrompt({ name: 'weekly_review' }, { signal })],
];

test.each(SLOW)(
  'over stdio, cancelling %s aborts its API request, and the server sends no response',
  async (_what, send) => {
    let answering = false;
    await using double = await startTodoApiDouble(() => (answering ? { status: 404 } : undefined));
    await using client = await connectOverStdioTo(double);
    const received = record(client);
    const controller = new AbortController();
    const sent = send(client, controller.signal);
    sent.catch(() => {});
    await vi.waitFor(() => expect(double.requests.length).toBeGreaterThan(0), 10_000);
    expect(double.requests.map(({ isAborted }) => isAborted())).not.toContain(true);
    controller.abort();
    await vi.waitFor(() => expect(double.requests.map(({ isAborted }) => isAborted())).not.toContain(false), 10_000);
    await expect(sent).rejects.toThrow();
    // the process continues, and it neither repeats nor answers the cancelled request
    const before = double.requests.length;
    answering = true;
    expect(await client.callTool({ name: 'get_todo', arguments: { id: ID } })).toMatchObject({ isError: true });
    expect(double.requests).toHaveLength(before + 1);
    expect(received.filter((message) => !JSON.stringify(message).includes('notifications/progress'))).toHaveLength(1);
  },
);

test('over stdio, cancelling one call does not affect the others', async () => {
  const answers = Promise.withResolvers<void>();
  await using double = await startTodoApiDouble(async () => {
    await answers.promise;
    return { status: 404 };
  });
  await using client = await connectOverStdioTo(double);
  const controllers = Array.from({ length: 5 }, () => new AbortController());
  const calls = controllers.map(({ signal }, index) =>
    client.callTool({ name: 'get_todo', arguments: { id: ID.replace(/0$/, String(index)) } }, undefined, { signal }),
  );
  const settled = Promise.allSettled(calls);
  await vi.waitFor(() => expect(double.requests).toHaveLength(5), 10_000);
  controllers[2]?.abort();
  const cancelled = double.requests.find(({ path }) => path.endsWith('2'));
  await vi.waitFor(() => expect(cancelled?.isAborted()).toBe(true), 10_000);
  answers.resolve();
  expect((await settled).map(({ status }) => status)).toEqual([
    'fulfilled',
    'fulfilled',
    'rejected',
    'fulfilled',
    'fulfilled',
  ]);
  expect(double.requests.filter(({ isAborted }) => isAborted())).toEqual([cancelled]);
});

/** Sends a message over a separate connection, which the caller can close. */
async function send(
  mcp: { resource: string; issuer: { issue: () => Promise<string> } },
  params: object,
  method = 'tools/call',
) {
  const sent = request(mcp.resource, {
    method: 'POST',
    agent: false,
    headers: {
      authorization: `Bearer ${await mcp.issuer.issue()}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
  });
  sent.on('error', () => {});
  sent.end(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }));
  return sent;
}

test.each([
  ['a tool call', { name: 'create_todo', arguments: { title: 'x' } }, 'tools/call'],
  ['reading a resource', { uri: `todo://${ID}` }, 'resources/read'],
  ['getting a prompt', { name: 'plan_my_day' }, 'prompts/get'],
  [
    'a batch that has not reported progress yet',
    { name: 'batch_todos', arguments: BATCH, _meta: { progressToken: 1 } },
    'tools/call',
  ],
])('over HTTP, closing the connection of %s aborts its API request', async (_what, params, method) => {
  await using double = await startTodoApiDouble(() => undefined);
  await using mcp = await startMcpApp({ features: FEATURES, apiBaseUrl: double.resource });
  const sent = await send(mcp, params, method);
  await vi.waitFor(() => expect(double.requests.length).toBeGreaterThan(0), 10_000);
  await delay(300);
  expect(double.requests.map(({ isAborted }) => isAborted())).not.toContain(true);
  const before = double.requests.length;
  sent.destroy();
  await vi.waitFor(() => expect(double.requests.map(({ isAborted }) => isAborted())).not.toContain(false), 10_000);
  expect(double.requests).toHaveLength(before);
});

test('over HTTP, closing the stream of a batch aborts its API request', async () => {
  await using double = await startTodoApiDouble(() => undefined);
  await using mcp = await startMcpApp({ features: FEATURES, apiBaseUrl: double.resource });
  const sent = await send(mcp, { name: 'batch_todos', arguments: BATCH, _meta: { progressToken: 'p' } });
  const begun = new Promise<string>((resolve) => {
    sent.on('response', (response) => response.once('data', (data) => resolve(String(data))));
  });
  // the API has not responded yet, but the stream has begun with a progress notification
  expect(await Promise.race([begun, delay(5000, 'nothing for five seconds')])).toContain(
    '"method":"notifications/progress","params":{"progressToken":"p","progress":0,"total":3',
  );
  expect(double.requests.map(({ isAborted }) => isAborted())).toEqual([false]);
  sent.destroy();
  await vi.waitFor(() => expect(double.requests.map(({ isAborted }) => isAborted())).toEqual([true]), 10_000);
});

describe.each(TRANSPORTS)('over %s', (_transport, connectOver) => {
  test('a batch reports progress from zero to its total before the result', async () => {
    await using client = await connectOver(system, await system.registerClient());
    // the raw messages: the SDK's client drops a progress notification that arrives in the same chunk as the result
    const received = record(client);
    const onprogress = () => {};
    const result = await client.callTool({ name: 'batch_todos', arguments: BATCH }, undefined, { onprogress });
    expect(result).toMatchObject({ structuredContent: { results: [{ op: 'create' }, {}, {}] } });
    const progress = (done: number) => ({
      method: 'notifications/progress',
      params: { progressToken: expect.any(Number), progress: done, total: 3, message: expect.stringMatching(/^[A-Z]/) },
    });
    expect(received).toMatchObject([progress(0), progress(3), { result }]);
  });

  test('no progress is reported without a progress token, and list_todos reports none', async () => {
    await using client = await connectOver(system, await system.registerClient());
    const received = record(client);
    await client.callTool({ name: 'batch_todos', arguments: BATCH });
    const onprogress = vi.fn();
    expect(await client.callTool({ name: 'list_todos' }, undefined, { onprogress })).toMatchObject({
      structuredContent: { total: 3 },
    });
    const absent = { operations: [{ op: 'delete', id: ID }] };
    expect(onprogress).not.toHaveBeenCalled();
    expect(received.map((message) => Object(message).method)).toEqual([undefined, undefined]);
    // a batch that fails does not report completion
    const reported: Progress[] = [];
    const failed = await client.callTool({ name: 'batch_todos', arguments: absent }, undefined, {
      onprogress: (progress) => reported.push(progress),
    });
    expect(failed).toMatchObject({ isError: true });
    expect(reported.map(({ progress }) => progress)).toEqual([0]);
  });
});

const callBatch = (meta?: object) => {
  const { params, ...call } = createToolCall('batch_todos', BATCH);
  return { ...call, params: { ...params, ...(meta && { _meta: meta }) } };
};

/** These tests finish within the half second after which a stream begins. A busy machine may need longer. */
const RETRY_IF_SLOW = { retry: 3 };

test('over HTTP the response to a call with a progress token is JSON when the tool reports no progress', async () => {
  const accessToken = await system.getAccessToken(await system.registerClient(), { resource: system.mcpResource });
  const call = { ...createToolCall('list_todos'), params: { name: 'list_todos', _meta: { progressToken: 1 } } };
  const response = await postMcpMessage(system.mcpResource, call, { accessToken });
  expect({ status: response.status, type: response.headers.get('content-type') }).toEqual({
    status: 200,
    type: 'application/json',
  });
});

test.each(FEATURES.tools)('$name reports progress if, and only if, it says so', async (tool) => {
  const reportProgress = vi.fn(async () => {});
  const todos = new Proxy({} as TodoApi, {
    get: () => async () => {
      throw new Error('there is no API');
    },
  });
  const { signal } = new AbortController();
  await tool.call(tool.example, { todos, signal, reportProgress }).catch(() => {});
  expect(reportProgress.mock.calls.length > 0).toBe(tool.reportsProgress === true);
});

test.each([
  ['without a progress token', undefined, 'application/json'],
  ['with a progress token of 0', { progressToken: 0 }, 'text/event-stream'],
])('over HTTP the response to a call %s has the type %s', async (_what, meta, type) => {
  const accessToken = await system.getAccessToken(await system.registerClient(), { resource: system.mcpResource });
  const response = await postMcpMessage(system.mcpResource, callBatch(meta), { accessToken });
  expect({ status: response.status, type: response.headers.get('content-type') }).toEqual({ status: 200, type });
  const text = await response.text();
  expect(text.match(/notifications\/progress/g)?.length ?? 0).toBe(meta === undefined ? 0 : 2);
  expect(text).toContain('Number 3');
});

test.each([
  ['without', undefined],
  ['with', { progressToken: 1 }],
])(
  'over HTTP a call gets a 401 when the API rejects the access token, %s a progress token',
  RETRY_IF_SLOW,
  async (_with, meta) => {
    await using double = await startTodoApiDouble(() => ({ status: 401 }));
    await using mcp = await startMcpApp({ features: FEATURES, apiBaseUrl: double.resource });
    const accessToken = await mcp.issuer.issue();
    const response = await postMcpMessage(mcp.resource, callBatch(meta), { accessToken });
    expect({
      status: response.status,
      type: response.headers.get('content-type'),
      challenge: response.headers.get('www-authenticate'),
    }).toEqual({
      status: 401,
      type: expect.stringMatching(/^application\/json/),
      challenge: expect.stringMatching(/^Bearer error="invalid_token", .*resource_metadata="/),
    });
    expect(await response.json()).toMatchObject({ jsonrpc: '2.0', id: 1, error: { code: -32600 } });
    // the API rejected the newly exchanged access token too
    expect(double.requests).toHaveLength(2);
  },
);

test('over HTTP a client can repeat a call with a progress token after a 401', RETRY_IF_SLOW, async () => {
  let rejections = 2;
  await using double = await startTodoApiDouble(() => {
    rejections -= 1;
    return rejections >= 0 ? { status: 401 } : { status: 404 };
  });
  await using client = await connectOverHttpTo(double);
  const call = () => client.callTool({ name: 'batch_todos', arguments: BATCH }, undefined, { onprogress: () => {} });
  await expect(call()).rejects.toMatchObject({ code: 401 });
  expect(await call()).toMatchObject({ isError: true, content: [{ text: expect.stringContaining('no todo') }] });
});
