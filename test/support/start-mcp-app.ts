import { type Logger, pino } from 'pino';
import { createMcpApp } from '../../mcp/app.ts';
import type { ServerFeatures } from '../../mcp/features.ts';
import { createTodoApi } from '../../mcp/todo-api/todo-api.ts';
import { createMetrics } from '../../shared/http/metrics.ts';
import { serve } from '../../shared/http/serve.ts';
import { openPointCounter } from '../../shared/rate-limit/point-counter.ts';
import { createRateLimit } from '../../shared/rate-limit/rate-limit.ts';
import { openResourceServer } from '../../shared/resource-server/resource-server.ts';
import { TODO_SCOPES } from '../../shared/scopes.ts';
import { getFreePort } from '../../shared/testing/free-port.ts';
import { startTokenIssuer, type TokenIssuer } from '../../shared/testing/token-issuer.ts';

/** The HTTP app of the MCP server, and the token issuer that it trusts. */
export type RunningMcpApp = AsyncDisposable & { readonly resource: string; readonly issuer: TokenIssuer };

/**
 * Starts the app that `mcp/main.ts` starts, with the features that a test gives and a token issuer that signs any
 * claims. It has no todo API, unless `apiBaseUrl` names one.
 */
export async function startMcpApp({
  features,
  apiBaseUrl = 'http://127.0.0.1:9/api/v1',
  logger = pino({ level: 'silent' }),
}: {
  features: ServerFeatures;
  apiBaseUrl?: string;
  logger?: Logger;
}): Promise<RunningMcpApp> {
  await using starting = new AsyncDisposableStack();
  const port = await getFreePort();
  const resource = `http://localhost:${port}/mcp`;
  const issuer = starting.use(await startTokenIssuer({ audience: resource }));
  const protectedResource = {
    resource,
    authorizationServer: issuer.identifier,
    scopes: TODO_SCOPES,
    name: 'Test',
  };
  const { verify } = starting.use(openResourceServer(protectedResource, { authUrl: undefined, logger }));
  const app = createMcpApp({
    info: { name: 'test', version: '1' },
    features,
    verify,
    protectedResource,
    exchange: () => ({ get: async () => 'exchanged', reject: () => {} }),
    todoApi: (accessTokens) =>
      createTodoApi({ baseUrl: async () => apiBaseUrl, address: apiBaseUrl, accessTokens, fetch }),
    rateLimit: createRateLimit(await openPointCounter({ limit: 1_000_000, logger })),
    checks: {},
    metrics: createMetrics(),
    logger,
  });
  starting.use(await serve(app.callback(), { port, host: '127.0.0.1', drainFor: 0 }));
  const running = starting.move();
  return { resource, issuer, [Symbol.asyncDispose]: () => running.disposeAsync() };
}
