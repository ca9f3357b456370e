import { pino } from 'pino';
import { expect, test } from 'vitest';
import { createMetrics } from '../shared/http/metrics.ts';
import { serve } from '../shared/http/serve.ts';
import { createAccessTokenVerifier } from '../shared/oauth/access-token-verifier.ts';
import { createIssuer } from '../shared/oauth/issuer.ts';
import { getFreePort } from '../shared/testing/free-port.ts';
import { startTokenIssuer } from '../shared/testing/token-issuer.ts';
import { createMcpApp } from './app.ts';
import { FEATURES } from './features.ts';
import { createTodoApi } from './todo-api/todo-api.ts';

test('an access token that the API refuses, a fresh one too, is a 401 and never a result', async () => {
  const port = await getFreePort();
  const resource = `http://127.0.0.1:${port}/mcp`;
  await using issuer = await startTokenIssuer({ audience: resource });
  const { keys } = createIssuer({ identifier: issuer.identifier });
  let asked = 0;
  const app = createMcpApp({
    info: { name: 'test', version: '1' },
    features: FEATURES,
    verify: createAccessTokenVerifier({ issuer: issuer.identifier, audience: resource, keys, isRevoked: () => false }),
    protectedResource: { resource, authorizationServer: issuer.identifier, scopes: ['todos:read'], name: 'Test' },
    exchange: () => ({ get: async () => 'exchanged', refused: () => {} }),
    todoApi: (accessTokens) =>
      createTodoApi({
        baseUrl: async () => 'http://api.example',
        accessTokens,
        fetch: async () => {
          asked += 1;
          return new Response(null, { status: 401 });
        },
      }),
    checks: {},
    metrics: createMetrics(),
    logger: pino({ level: 'silent' }),
  });
  await using _server = await serve(app.callback(), { port, host: '127.0.0.1' });
  const response = await fetch(resource, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${await issuer.issue()}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'list_todos' } }),
  });
  expect({ status: response.status, asked }).toEqual({ status: 401, asked: 2 });
  expect(response.headers.get('www-authenticate')).toMatch(/^Bearer error="invalid_token", /);
});
