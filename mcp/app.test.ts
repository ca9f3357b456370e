import { pino } from 'pino';
import { expect, test } from 'vitest';
import { createMetrics } from '../shared/http/metrics.ts';
import { serve } from '../shared/http/serve.ts';
import { openPointCounter } from '../shared/rate-limit/point-counter.ts';
import { createRateLimit } from '../shared/rate-limit/rate-limit.ts';
import { createAccessTokenVerifier } from '../shared/resource-server/access-token-verifier.ts';
import { createIssuer } from '../shared/resource-server/issuer.ts';
import { getFreePort } from '../shared/testing/free-port.ts';
import { startTokenIssuer } from '../shared/testing/token-issuer.ts';
import { createMcpApp } from './app.ts';
import { FEATURES } from './features.ts';
import { createTodoApi } from './todo-api/todo-api.ts';

/** Sends a request to an app whose API answers each exchanged access token as `answer` says. */
async function sendRequest(request: { method: string; params: object }, answer: (accessToken: string) => Response) {
  const port = await getFreePort();
  const resource = `http://127.0.0.1:${port}/mcp`;
  await using issuer = await startTokenIssuer({ audience: resource });
  const { keys } = createIssuer({ identifier: issuer.identifier });
  let apiRequests = 0;
  let exchanged = 1;
  const logger = pino({ level: 'silent' });
  const app = createMcpApp({
    info: { name: 'test', version: '1' },
    features: FEATURES,
    verify: createAccessTokenVerifier({ issuer: issuer.identifier, audience: resource, keys, isRevoked: () => false }),
    protectedResource: { resource, authorizationServer: issuer.identifier, scopes: ['todos:read'], name: 'Test' },
    exchange: () => ({
      get: async () => `exchanged-${exchanged}`,
      reject(accessToken) {
        if (accessToken === `exchanged-${exchanged}`) exchanged += 1;
      },
    }),
    todoApi: (accessTokens) =>
      createTodoApi({
        baseUrl: async () => 'http://api.example',
        address: 'http://api.example',
        accessTokens,
        fetch: async (_input, init) => {
          apiRequests += 1;
          return answer(new Headers(init?.headers).get('authorization') ?? '');
        },
      }),
    rateLimit: createRateLimit(await openPointCounter({ limit: 1_000, logger })),
    checks: {},
    metrics: createMetrics(),
    logger,
  });
  await using _server = await serve(app.callback(), { port, host: '127.0.0.1' });
  const response = await fetch(resource, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${await issuer.issue()}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, ...request }),
  });
  return { status: response.status, challenge: response.headers.get('www-authenticate'), apiRequests };
}

test('when the API also rejects a new access token, the response is a 401 and never a result', async () => {
  const request = { method: 'tools/call', params: { name: 'list_todos' } };
  expect(await sendRequest(request, () => new Response(null, { status: 401 }))).toEqual({
    status: 401,
    challenge: expect.stringMatching(/^Bearer error="invalid_token", /),
    apiRequests: 2,
  });
});

test('parallel calls of one request whose access token is rejected succeed with a new one', async () => {
  const answer = (accessToken: string) =>
    accessToken === 'Bearer exchanged-1' ? new Response(null, { status: 401 }) : Response.json([]);
  for (const [request, calls] of [
    [{ method: 'resources/read', params: { uri: 'todo://today' } }, 2],
    [{ method: 'prompts/get', params: { name: 'weekly_review' } }, 3],
  ] as const)
    expect(await sendRequest(request, answer)).toEqual({ status: 200, challenge: null, apiRequests: 2 * calls });
});
