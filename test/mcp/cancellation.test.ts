import { request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { JSONRPCMessage, Progress } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { FEATURES } from '../../mcp/features.ts';
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

/** Every message that a client receives from now on. */
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
    'a batch that tells its progress',
    (client, signal) =>
      client.callTool({ name: 'batch_todos', arguments: BATCH }, undefined, { signal, onprogress: () => {} }),
  ],
  ['the reading of a resource', (client, signal) => client.readResource({ uri: `todo://${ID}` }, { signal })],
  ['the getting of a prompt', (client, signal) => client.getPrompt({ name: 'weekly_review' }, { signal })],
];

test.each(SLOW)(
  'over stdio %s that is cancelled ends its API request, and is answered by nothing',
  async (_what, ask) => {
    let answering = false;
    await using double = await startTodoApiDouble(() => (answering ? { status: 404 } : undefined));
    await using client = await connectOverStdioTo(double);
    const received = record(client);
    const controller = new AbortController();
    const asked = ask(client, controller.signal);
    asked.catch(() => {});
    await vi.waitFor(() => expect(double.requests.length).toBeGreaterThan(0), 10_000);
    expect(double.requests.map(({ isAborted }) => isAborted())).not.toContain(true);
    controller.abort();
    await vi.waitFor(() => expect(double.requests.map(({ isAborted }) => isAborted())).not.toContain(false), 10_000);
    await expect(asked).rejects.toThrow();
    // the process goes on, and what was cancelled was neither tried again nor answered
    const before = double.requests.length;
    answering = true;
    expect(await client.callTool({ name: 'get_todo', arguments: { id: ID } })).toMatchObject({ isError: true });
    expect(double.requests).toHaveLength(before + 1);
    expect(received.filter((message) => !JSON.stringify(message).includes('notifications/progress'))).toHaveLength(1);
  },
);

test('over stdio one call that is cancelled leaves the others', async () => {
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

/** Sends a message by a connection of its own, which the caller may close. */
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
  ['a resource', { uri: `todo://${ID}` }, 'resources/read'],
  ['a prompt', { name: 'plan_my_day' }, 'prompts/get'],
  [
    'a batch that has not begun to tell its progress',
    { name: 'batch_todos', arguments: BATCH, _meta: { progressToken: 1 } },
    'tools/call',
  ],
])('over HTTP %s ends its API request when the caller hangs up', async (_what, params, method) => {
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

test('over HTTP a batch whose stream began ends its API request when the caller hangs up', async () => {
  await using double = await startTodoApiDouble(() => undefined);
  await using mcp = await startMcpApp({ features: FEATURES, apiBaseUrl: double.resource });
  const sent = await send(mcp, { name: 'batch_todos', arguments: BATCH, _meta: { progressToken: 'p' } });
  const begun = new Promise<string>((resolve) => {
    sent.on('response', (response) => response.once('data', (data) => resolve(String(data))));
  });
  // the API has not answered: what there is to tell is told meanwhile
  expect(await Promise.race([begun, delay(5000, 'nothing for five seconds')])).toContain(
    '"method":"notifications/progress","params":{"progressToken":"p","progress":0,"total":3',
  );
  expect(double.requests.map(({ isAborted }) => isAborted())).toEqual([false]);
  sent.destroy();
  await vi.waitFor(() => expect(double.requests.map(({ isAborted }) => isAborted())).toEqual([true]), 10_000);
});

describe.each(TRANSPORTS)('over %s', (_transport, connectOver) => {
  test('a batch tells its progress from nothing to all of it, before its result', async () => {
    await using client = await connectOver(system, await system.registerClient());
    // as they were received: the SDK's client forgets who asked when the result comes in the same chunk as a progress
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

  test('nobody is told who did not ask, and a tool that takes no time tells nothing', async () => {
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
    // one that is refused is not told as done
    const told: Progress[] = [];
    const refused = await client.callTool({ name: 'batch_todos', arguments: absent }, undefined, {
      onprogress: (progress) => told.push(progress),
    });
    expect(refused).toMatchObject({ isError: true });
    expect(told.map(({ progress }) => progress)).toEqual([0]);
  });
});

const callBatch = (meta?: object) => {
  const { params, ...call } = createToolCall('batch_todos', BATCH);
  return { ...call, params: { ...params, ...(meta && { _meta: meta }) } };
};

/** A stream begins after half a second without an answer, which a machine that does something else may take for all of this. */
const TIMED = { retry: 3 };

test.each([
  ['without a progress token', undefined, 'application/json'],
  ['with a progress token of 0', { progressToken: 0 }, 'text/event-stream'],
])('over HTTP a call %s is answered by %s', async (_what, meta, type) => {
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
  'over HTTP an API that refuses the access token makes the call a 401, %s a progress token',
  TIMED,
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
    expect(await response.json()).toMatchObject({ jsonrpc: '2.0', id: null, error: { code: -32600 } });
    // the fresh access token was refused as well
    expect(double.requests).toHaveLength(2);
  },
);

test('over HTTP a client that is sent a 401 with a progress token comes again', TIMED, async () => {
  let refusals = 2;
  await using double = await startTodoApiDouble(() => {
    refusals -= 1;
    return refusals >= 0 ? { status: 401 } : { status: 404 };
  });
  await using client = await connectOverHttpTo(double);
  const call = () => client.callTool({ name: 'batch_todos', arguments: BATCH }, undefined, { onprogress: () => {} });
  await expect(call()).rejects.toMatchObject({ code: 401 });
  expect(await call()).toMatchObject({ isError: true, content: [{ text: expect.stringContaining('no todo') }] });
});
