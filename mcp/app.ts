import Router from '@koa/router';
import Koa, { type Middleware } from 'koa';
import type { Logger } from 'pino';
import { type CorsOrigins, cors } from '../shared/http/cors.ts';
import { handleErrors } from '../shared/http/handle-errors.ts';
import { healthRoutes, type ReadinessChecks } from '../shared/http/health.ts';
import { HttpError } from '../shared/http/http-error.ts';
import { logFailures } from '../shared/http/log-failures.ts';
import { logRequests } from '../shared/http/log-requests.ts';
import type { Metrics } from '../shared/http/metrics.ts';
import { parseBody } from '../shared/http/parse-body.ts';
import { identifyRequest } from '../shared/http/request-id.ts';
import type { VerifyAccessToken } from '../shared/resource-server/access-token-verifier.ts';
import { createChallenges } from '../shared/resource-server/challenge.ts';
import { requireAccessToken, serveProtectedResourceMetadata } from '../shared/resource-server/koa.ts';
import type { ProtectedResource } from '../shared/resource-server/protected-resource-metadata.ts';
import type { AccessTokenSource } from './access-tokens/access-token-source.ts';
import type { ExchangeAccessToken } from './access-tokens/token-exchange.ts';
import { CORS } from './cors.ts';
import type { ServerFeatures } from './features.ts';
import { JsonRpcMessage, renderJsonRpcError } from './protocol/json-rpc.ts';
import { createMcpServer, type ServerInfo } from './protocol/server.ts';
import {
  answerMessage,
  type CreateServer,
  type McpState,
  offerFeatures,
  requireScopeOfMessage,
} from './protocol/streamable-http.ts';
import { validateOrigin } from './protocol/validate-origin.ts';
import type { TodoApi } from './todo-api/todo-api.ts';

/** Bytes that a JSON-RPC message may have. */
const MESSAGE_LIMIT = 1_000_000;

/** How a client may come by its access token without a person at hand (MCP ext-auth). It is told over HTTP alone. */
const AUTHORIZATION_EXTENSIONS = { 'io.modelcontextprotocol/oauth-client-credentials': {} };

/** Creates the MCP server's app: Streamable HTTP at the path of its resource identifier, behind the guard of a resource server. */
export function createMcpApp({
  info,
  features,
  verify,
  protectedResource,
  corsOrigins,
  exchange,
  todoApi,
  checks,
  metrics,
  logger,
}: {
  info: ServerInfo;
  features: ServerFeatures;
  verify: VerifyAccessToken;
  protectedResource: ProtectedResource;
  corsOrigins?: CorsOrigins | undefined;
  exchange: ExchangeAccessToken;
  /** The todo API for one request, whose id goes on with it. */
  todoApi: (accessTokens: AccessTokenSource, requestId: string) => TodoApi;
  checks: ReadinessChecks;
  metrics: Metrics;
  logger: Logger;
}): Koa {
  const { resource } = protectedResource;
  const createServer: CreateServer = ({ accessTokens, requestId, grantedScopes, features }) =>
    createMcpServer({
      todos: todoApi(accessTokens, requestId),
      info,
      features,
      grantedScopes: async () => grantedScopes,
      extensions: AUTHORIZATION_EXTENSIONS,
      logger,
    });

  const router = new Router<McpState>({ strict: true });
  // with a trailing slash it is the same resource, and its metadata is that of the form that was asked for (RFC 9728 §3.3)
  for (const form of [resource, `${resource}/`]) {
    const challenges = createChallenges({ ...protectedResource, resource: form });
    const authenticate = requireAccessToken({ verify, challenges });
    router.all(
      new URL(form).pathname,
      validateOrigin(resource, corsOrigins),
      authenticate,
      requirePost,
      parseBody(JsonRpcMessage, { limit: MESSAGE_LIMIT }),
      // the access token may have been revoked while the body was on its way
      authenticate,
      offerFeatures(features),
      requireScopeOfMessage(challenges),
      answerMessage({ resource, createServer, exchange, challenges }),
    );
  }

  const app = new Koa();
  app.on('error', logFailures(logger));
  app.use(identifyRequest);
  app.use(logRequests(logger));
  app.use(metrics.middleware);
  if (corsOrigins !== undefined) app.use(cors({ origins: corsOrigins, ...CORS }));
  app.use(handleErrors({ logger, render: renderJsonRpcError }));
  app.use(healthRoutes({ checks, logger }).routes());
  app.use(serveProtectedResourceMetadata(protectedResource));
  app.use(router.routes());
  return app;
}

/** There is no stream to open and no session to end: GET and DELETE are 405 (MCP 2025-11-25, Streamable HTTP). */
const requirePost: Middleware = async function requirePost(ctx, next) {
  if (ctx.method !== 'POST')
    throw new HttpError('method_not_allowed', `${ctx.method} is not allowed here. Allowed: POST`, {
      headers: { allow: 'POST' },
    });
  await next();
};
