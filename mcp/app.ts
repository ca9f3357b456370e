import Router from '@koa/router';
import Koa, { type Middleware } from 'koa';
import type { Logger } from 'pino';
import { HttpError } from '../shared/http/errors.ts';
import { handleErrors } from '../shared/http/handle-errors.ts';
import { healthRoutes, type ReadinessChecks } from '../shared/http/health.ts';
import { logRequests } from '../shared/http/log-requests.ts';
import type { Metrics } from '../shared/http/metrics.ts';
import { parseBody } from '../shared/http/parse-body.ts';
import { identifyRequest } from '../shared/http/request-id.ts';
import type { VerifyAccessToken } from '../shared/oauth/access-token-verifier.ts';
import { createChallenges } from '../shared/oauth/challenges.ts';
import { type ProtectedResource, protectedResourceMetadataRoutes } from '../shared/oauth/protected-resource.ts';
import { type Authorized, requireAccessToken } from '../shared/oauth/require-access-token.ts';
import type { AccessTokenSource } from './access-tokens/access-token-source.ts';
import type { ExchangeAccessToken } from './access-tokens/token-exchange.ts';
import { JsonRpcMessage, renderJsonRpcError } from './json-rpc.ts';
import { refuseForeignOrigin } from './refuse-foreign-origin.ts';
import { createMcpServer, type ServerInfo } from './server.ts';
import { answerMessage, requireToolScope } from './streamable-http.ts';
import type { TodoApi } from './todo-api/todo-api.ts';

/** Bytes that a JSON-RPC message may have. */
const MESSAGE_LIMIT = 1_000_000;

/** Creates the MCP server's app: Streamable HTTP at the path of its resource identifier, behind the guard of a resource server. */
export function createMcpApp({
  info,
  verify,
  protectedResource,
  exchange,
  todoApi,
  checks,
  metrics,
  logger,
}: {
  info: ServerInfo;
  verify: VerifyAccessToken;
  protectedResource: ProtectedResource;
  exchange: ExchangeAccessToken;
  /** The todo API for one request, whose id goes on with it. */
  todoApi: (accessTokens: AccessTokenSource, requestId: string) => TodoApi;
  checks: ReadinessChecks;
  metrics: Metrics;
  logger: Logger;
}): Koa {
  const { resource } = protectedResource;
  const challenges = createChallenges(protectedResource);
  const createServer = (accessTokens: AccessTokenSource, requestId: string) =>
    createMcpServer({ todos: todoApi(accessTokens, requestId), info, logger });

  const router = new Router<Authorized & { body: JsonRpcMessage }>();
  router.all(
    new URL(resource).pathname,
    refuseForeignOrigin(resource),
    requireAccessToken({ verify, challenges }),
    requirePost,
    parseBody(JsonRpcMessage, { limit: MESSAGE_LIMIT }),
    requireToolScope(challenges),
    answerMessage({ resource, createServer, exchange, challenges }),
  );

  const app = new Koa();
  // a caller who hangs up is nobody's fault; without this Koa would write a stack trace past the log
  app.on('error', (err) => logger.debug({ err }, 'a connection failed'));
  app.use(identifyRequest);
  app.use(logRequests(logger));
  app.use(metrics.middleware);
  app.use(handleErrors({ logger, render: renderJsonRpcError }));
  app.use(healthRoutes({ checks, logger }).routes());
  app.use(protectedResourceMetadataRoutes(protectedResource).routes());
  app.use(router.routes());
  return app;
}

/** There is no stream to open and no session to end: GET and DELETE are 405 (MCP 2025-11-25, Streamable HTTP). */
const requirePost: Middleware = async function requirePost(ctx, next) {
  if (ctx.method !== 'POST')
    throw new HttpError(405, `${ctx.method} is not possible here; POST is`, { headers: { allow: 'POST' } });
  await next();
};
