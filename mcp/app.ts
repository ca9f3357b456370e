import Router from '@koa/router';
import type Koa from 'koa';
import type { Middleware } from 'koa';
import type { Logger } from 'pino';
import type { CorsOrigins } from '../shared/http/cors.ts';
import type { ReadinessChecks } from '../shared/http/health.ts';
import type { Metrics } from '../shared/http/metrics.ts';
import { parseBody } from '../shared/http/parse-body.ts';
import { createServiceApp } from '../shared/http/service-app.ts';
import type { ServiceIndex } from '../shared/http/service-index.ts';
import { limitConcurrentRequests, limitLargeBodies } from '../shared/rate-limit/limit-concurrent-requests.ts';
import type { RateLimit } from '../shared/rate-limit/rate-limit.ts';
import type { VerifyAccessToken } from '../shared/resource-server/access-token-verifier.ts';
import { createChallenges } from '../shared/resource-server/challenge.ts';
import { requireAccessToken, serveProtectedResourceMetadata } from '../shared/resource-server/koa.ts';
import { metadataUrl, type ProtectedResource } from '../shared/resource-server/protected-resource-metadata.ts';
import type { AccessTokenSource } from './access-tokens/access-token-source.ts';
import type { ExchangeAccessToken } from './access-tokens/token-exchange.ts';
import { CORS } from './cors.ts';
import type { ServerFeatures } from './features.ts';
import { measureToolCalls } from './measure-tool-calls.ts';
import { createMcpServer } from './protocol/server.ts';
import type { ServerInfo } from './protocol/server-options.ts';
import { answerMessage, type CreateServer } from './protocol/streamable-http/answer-message.ts';
import { countUnforwarded } from './protocol/streamable-http/count-unforwarded.ts';
import { JsonRpcMessage, renderJsonRpcError } from './protocol/streamable-http/json-rpc.ts';
import type { McpState } from './protocol/streamable-http/mcp-state.ts';
import { requireMessageScope } from './protocol/streamable-http/require-message-scope.ts';
import { requirePost } from './protocol/streamable-http/require-post.ts';
import { selectFeatures } from './protocol/streamable-http/select-features.ts';
import { validateOrigin } from './protocol/streamable-http/validate-origin.ts';
import type { TodoApi } from './todo-api/todo-api.ts';

const MAX_MESSAGE_BYTES = 1_000_000;

/** A client may get its access token without a user (MCP ext-auth). Only the transport over HTTP announces it. */
const AUTHORIZATION_EXTENSIONS = { 'io.modelcontextprotocol/oauth-client-credentials': {} };

/** Creates the app of the MCP server: Streamable HTTP at the path of its resource identifier, as a resource server. */
export function createMcpApp({
  info,
  features,
  verify,
  protectedResource,
  corsOrigins,
  allowedHosts,
  exchange,
  todoApi,
  rateLimit,
  checks,
  traceRequests,
  metrics,
  logger,
}: {
  info: ServerInfo;
  features: ServerFeatures;
  verify: VerifyAccessToken;
  protectedResource: ProtectedResource;
  corsOrigins?: CorsOrigins | undefined;
  /** Hosts that a request may name beside that of the resource identifier. */
  allowedHosts?: readonly string[] | undefined;
  exchange: ExchangeAccessToken;
  /** Creates the todo API client of one request. The client sends the id of that request to the API. */
  todoApi: (
    accessTokens: AccessTokenSource,
    requestId: string,
    /** Called when the API rejects the caller for `seconds`. */
    onRateLimited: (seconds: number) => void,
  ) => TodoApi;
  rateLimit: RateLimit;
  checks: ReadinessChecks;
  /** Makes a span of each request. */
  traceRequests?: Middleware | undefined;
  metrics: Metrics;
  logger: Logger;
}): Koa {
  const { resource } = protectedResource;
  const observeToolCall = measureToolCalls(metrics.registry);
  const createServer: CreateServer = ({ accessTokens, requestId, onRateLimited, grantedScopes, features }) =>
    createMcpServer({
      info,
      features,
      caller: { todos: todoApi(accessTokens, requestId, onRateLimited) },
      findGrantedScopes: async () => grantedScopes,
      extensions: AUTHORIZATION_EXTENSIONS,
      logger: logger.child({ request_id: requestId }),
      observeToolCall,
    });

  const limitConcurrent = limitConcurrentRequests();
  const limitBodies = limitLargeBodies();
  const router = new Router<McpState>({ strict: true });
  // with a trailing slash it is the same resource, but each challenge names the metadata of the form that was requested
  // (RFC 9728 §3.3)
  for (const form of [resource, `${resource}/`]) {
    const challenges = createChallenges({ ...protectedResource, resource: form });
    const authenticate = requireAccessToken({ verify, challenges });
    router.all(
      new URL(form).pathname,
      validateOrigin(resource, { corsOrigins, allowedHosts }),
      authenticate,
      countUnforwarded(rateLimit),
      limitConcurrent,
      limitBodies,
      requirePost,
      parseBody(JsonRpcMessage, { limit: MAX_MESSAGE_BYTES }),
      // the access token may have been revoked while the body was received
      authenticate,
      selectFeatures(features),
      requireMessageScope(challenges),
      answerMessage({ resource, createServer, exchange, exhaust: rateLimit.exhaust, challenges }),
    );
  }

  const app = createServiceApp({
    index: describeMcpServer(protectedResource),
    checks,
    cors: { origins: corsOrigins, ...CORS },
    renderError: renderJsonRpcError,
    traceRequests,
    metrics,
    logger,
  });
  app.use(serveProtectedResourceMetadata(protectedResource));
  app.use(router.routes());
  return app;
}

function describeMcpServer({ resource, name }: ProtectedResource): ServiceIndex {
  return {
    name,
    description: `This server is an MCP server for todos. To connect an assistant, add the URL ${resource} to its MCP host as a remote server (Streamable HTTP). The host finds the authorization server by itself.`,
    links: [
      { href: resource, title: 'MCP endpoint, for an MCP host and not for a browser' },
      { href: metadataUrl(resource), title: 'Protected resource metadata (RFC 9728)' },
      { href: new URL('/health/ready', resource).href, title: 'Health: whether this server is ready' },
    ],
  };
}
