import { createPoolObserver } from '../shared/database/observe-pools.ts';
import { createRouteFinder } from '../shared/http/find-route.ts';
import { LIMITS } from '../shared/http/limits-reached.ts';
import { measureStatusListReader } from '../shared/http/measure-status-list-reader.ts';
import { createMetrics } from '../shared/http/metrics.ts';
import { reportRejectedConnections } from '../shared/http/report-rejected-connections.ts';
import { type ListeningServer, serve } from '../shared/http/serve.ts';
import { createLogger } from '../shared/logger.ts';
import { createTokenRequest } from '../shared/oauth-client/token-request.ts';
import { openPointCounter } from '../shared/rate-limit/point-counter.ts';
import { createRateLimit } from '../shared/rate-limit/rate-limit.ts';
import { metadataPaths } from '../shared/resource-server/protected-resource-metadata.ts';
import { openResourceServer } from '../shared/resource-server/resource-server.ts';
import { runUntilSignalled } from '../shared/run-until-signalled.ts';
import { TODO_SCOPES } from '../shared/scopes.ts';
import { createShutdown, type Shutdown } from '../shared/shutdown.ts';
import { openTracing } from '../shared/tracing/tracing.ts';
import { createTokenExchange } from './access-tokens/token-exchange.ts';
import { createMcpApp } from './app.ts';
import { type McpConfig, readMcpConfig } from './config.ts';
import { FEATURES, readOnlyFeatures, type ServerFeatures } from './features.ts';
import { selectReaderCredentials } from './reader-credentials.ts';
import { createTodoApi } from './todo-api/todo-api.ts';

/**
 * Starts the MCP server over Streamable HTTP. Disposing it waits for open requests and closes it.
 * @param serversOfProcess how many servers share the open files of this process.
 */
export async function startMcp(
  config: McpConfig,
  {
    features = FEATURES,
    serversOfProcess,
    shutdown = createShutdown(),
  }: { features?: ServerFeatures; serversOfProcess?: number; shutdown?: Shutdown } = {},
): Promise<ListeningServer> {
  await using starting = new AsyncDisposableStack();
  const tracing = starting.use(await openTracing(config, 'yata-mcp'));
  const logger = createLogger({ name: 'mcp', level: config.LOG_LEVEL, fields: tracing.logFields });
  tracing.reportTo(logger);
  const findRoute = createRouteFinder(['/', ...metadataPaths(config.MCP_RESOURCE)]);
  const protectedResource = {
    resource: config.MCP_RESOURCE,
    authorizationServer: config.AUTH_ISSUER,
    scopes: TODO_SCOPES,
    name: 'yata MCP server',
  };
  const { issuer, verify, statusLists, ready } = starting.use(
    openResourceServer(protectedResource, {
      authUrl: config.AUTH_URL,
      credentials: selectReaderCredentials(config),
      logger,
      fetch: tracing.fetch,
    }),
  );
  const requestAccessToken = createTokenRequest({
    authorizationServer: async () => {
      const token_endpoint = config.OAUTH_TOKEN_URL;
      return token_endpoint === undefined ? issuer.metadata() : { issuer: issuer.identifier, token_endpoint };
    },
    clientId: config.OAUTH_CLIENT_ID,
    clientSecret: config.OAUTH_CLIENT_SECRET,
    fetch: issuer.fetch,
  });
  const metrics = createMetrics({ limits: LIMITS.mcp, findRoute });
  const observePool = createPoolObserver({ registry: metrics.registry, tracePool: tracing.tracePool });
  measureStatusListReader(metrics.registry, statusLists);
  const points = starting.use(
    await openPointCounter({
      limit: config.API_RATE_LIMIT,
      url: config.RATE_LIMIT_URL,
      logger,
      observe: observePool('rate_limit'),
    }),
  );
  const app = createMcpApp({
    info: { name: config.SERVER_NAME, version: config.SERVER_VERSION },
    features: config.MCP_READ_ONLY ? readOnlyFeatures(features) : features,
    verify,
    protectedResource,
    corsOrigins: config.MCP_CORS_ORIGINS,
    allowedHosts: config.MCP_ALLOWED_HOSTS,
    exchange: createTokenExchange({ requestAccessToken, resource: config.API_RESOURCE }),
    todoApi: (accessTokens, requestId, onRateLimited) =>
      createTodoApi({
        baseUrl: async () => config.API_BASE_URL ?? config.API_RESOURCE,
        address: config.API_RESOURCE,
        accessTokens,
        requestId,
        onRateLimited,
        fetch: tracing.fetch,
      }),
    rateLimit: createRateLimit(points),
    checks: { process: shutdown.check, issuer: ready },
    traceRequests: tracing.traceRequests?.(findRoute),
    metrics,
    logger,
  });
  const server = starting.use(
    await serve(app.callback(), {
      port: config.MCP_PORT,
      host: config.HOST,
      serversOfProcess,
      isStopping: shutdown.hasBegun,
      limits: { keepAlive: config.HTTP_KEEP_ALIVE * 1000, isTrustedProxy: config.MCP_TRUSTED_PROXIES },
      onConnectionRejected: reportRejectedConnections({ registry: metrics.registry, logger }),
    }),
  );
  logger.info({ event: 'server.listening', port: server.port, resource: config.MCP_RESOURCE }, 'listening');
  const started = starting.move();
  return { port: server.port, [Symbol.asyncDispose]: () => started.disposeAsync() };
}

if (import.meta.main) {
  await runUntilSignalled(async (resources, shutdown) => {
    const config = readMcpConfig(process.env);
    shutdown.delayFor(config.SHUTDOWN_DELAY);
    resources.use(await startMcp(config, { shutdown }));
  });
}
