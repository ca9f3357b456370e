import { expect, test } from 'vitest';
import { TOKEN_REQUEST_QUOTAS } from '../../auth/request-limits/token-request-limits.ts';
import { createToolCall, INITIALIZE, LIST_TOOLS } from '../support/mcp-messages.ts';
import { postMcpMessage } from '../support/post-mcp-message.ts';
import { requestTodos } from '../support/request-todos.ts';
import { startSystem } from '../support/start-system.ts';

const LIMIT = 1_000;

test('mcp counts what never reaches the API, by what it costs, and leaves calls of the API to the API', async () => {
  await using system = await startSystem({ API_RATE_LIMIT: String(LIMIT) });
  const client = await system.registerClient();
  const accessToken = await system.getAccessToken(client, { resource: system.mcpResource });
  const post = (message: object) => postMcpMessage(system.mcpResource, message, { accessToken });
  let counted = 0;
  const expectPoints = async (message: object, status: number, points: number) => {
    const { status: actual, headers } = await post(message);
    counted += points;
    expect([actual, headers.get('ratelimit-policy')]).toEqual([status, `"default";q=${LIMIT};w=60`]);
    expect(headers.get('ratelimit')).toMatch(new RegExp(`^"default";r=${LIMIT - counted};t=\\d+$`));
  };
  await expectPoints(INITIALIZE, 200, 1);
  await expectPoints(LIST_TOOLS, 200, 1);
  await expectPoints({ ...LIST_TOOLS, params: { padding: 'a'.repeat(40_000) } }, 200, 11);
  await expectPoints(createToolCall('no_such_tool'), 200, 11);
  await expectPoints(createToolCall('list_todos', { limit: 'ten' }), 200, 11);
  await expectPoints([LIST_TOOLS], 400, 11);
  await expectPoints(
    { ...LIST_TOOLS, params: Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [i, 1])) },
    400,
    21,
  );

  const call = await post(createToolCall('list_todos'));
  expect([call.status, call.headers.get('ratelimit')]).toEqual([200, null]);
  await expectPoints(LIST_TOOLS, 200, 1);
  // the API counted the call, for the same subject
  const atApi = await requestTodos(system.apiResource, await system.getAccessToken(client));
  expect(atApi.headers.get('ratelimit')).toMatch(new RegExp(`^"default";r=${LIMIT - 2};t=\\d+$`));
});

test('a subject that has no points left at the API is rejected by mcp, and its calls do not reach the API', async () => {
  await using system = await startSystem({ API_RATE_LIMIT: '5' });
  const [busy, other] = [await system.registerClient(), await system.registerClient()];
  const accessToken = await system.getAccessToken(busy, { resource: system.mcpResource });
  const forApi = await system.getAccessToken(busy);
  const call = () => postMcpMessage(system.mcpResource, createToolCall('list_todos'), { accessToken });
  for (let request = 0; request < 4; request += 1) await requestTodos(system.apiResource, forApi);
  // the last point, and the rejection of the API
  expect((await call()).status).toBe(200);
  const first = await call();
  expect([first.status, await first.json()]).toMatchObject([
    200,
    { result: { isError: true, content: [{ text: expect.stringContaining('Too many requests') }] } },
  ]);
  for (const message of [createToolCall('list_todos'), LIST_TOOLS]) {
    const rejected = await postMcpMessage(system.mcpResource, message, { accessToken });
    const seconds = rejected.headers.get('retry-after');
    expect([rejected.status, seconds]).toEqual([429, expect.stringMatching(/^[1-9]\d?$/)]);
    // as long as the API rejects
    const atApi = Number((await requestTodos(system.apiResource, forApi)).headers.get('retry-after'));
    expect(Math.abs(Number(seconds) - atApi)).toBeLessThanOrEqual(1);
  }
  const othersToken = await system.getAccessToken(other, { resource: system.mcpResource });
  const others = await postMcpMessage(system.mcpResource, createToolCall('list_todos'), { accessToken: othersToken });
  expect(await others.json()).toMatchObject({ result: { structuredContent: { todos: [] } } });
});

test('a tool error says when auth exchanges access tokens again', async () => {
  await using system = await startSystem({}, { quotas: { ...TOKEN_REQUEST_QUOTAS, exchanges: 1 } });
  const client = await system.registerClient();
  const call = async (params = {}) => {
    const accessToken = await system.getAccessToken(client, { resource: system.mcpResource });
    const message = { ...createToolCall('list_todos'), params: { name: 'list_todos', ...params } };
    const response = await postMcpMessage(system.mcpResource, message, { accessToken });
    return { status: response.status, retryAfter: response.headers.get('retry-after'), text: await response.text() };
  };
  expect(await call()).toMatchObject({ status: 200, retryAfter: null });
  for (const params of [{}, { _meta: { progressToken: 1 } }]) {
    const { status, retryAfter, text } = await call(params);
    expect([status, retryAfter]).toEqual([200, expect.stringMatching(/^[1-5]?\d$|^60$/)]);
    expect(JSON.parse(text.slice(text.indexOf('{'))).result).toEqual({
      isError: true,
      content: [
        {
          type: 'text',
          text: `The authorization server limits the requests of this MCP server. Nothing was done. Retry in ${retryAfter} seconds.`,
        },
      ],
      _meta: {
        'yata/error': { code: 'too_many_token_requests', retryable: true, retry_after: Number(retryAfter) },
      },
    });
  }
});

test('a subject without points gets 429 from mcp before any work, as a JSON-RPC error', async () => {
  await using system = await startSystem({ API_RATE_LIMIT: '5' });
  const [busy, other] = [await system.registerClient(), await system.registerClient()];
  const accessToken = await system.getAccessToken(busy, { resource: system.mcpResource });
  const post = (message: object) => postMcpMessage(system.mcpResource, message, { accessToken });
  // its points are counted afterwards
  expect((await post([])).status).toBe(400);
  for (const message of [LIST_TOOLS, createToolCall('list_todos'), []]) {
    const rejected = await post(message);
    const seconds = rejected.headers.get('retry-after');
    expect(rejected.status).toBe(429);
    expect(seconds).toMatch(/^[1-9]\d?$/);
    expect(rejected.headers.get('ratelimit')).toBe(`"default";r=0;t=${seconds}`);
    expect(await rejected.json()).toEqual({
      jsonrpc: '2.0',
      id: null,
      error: {
        code: -32600,
        message: 'Too many requests. The limit is 5 points in 60 seconds. Retry when Retry-After has passed.',
        data: { code: 'rate_limited', limit: 5, window_seconds: 60 },
      },
    });
  }
  const othersToken = await system.getAccessToken(other, { resource: system.mcpResource });
  expect((await postMcpMessage(system.mcpResource, LIST_TOOLS, { accessToken: othersToken })).status).toBe(200);
});
