import Koa, { type Middleware } from 'koa';
import compose from 'koa-compose';
import type { Logger } from 'pino';
import { type CorsOrigins, cors } from '../shared/http/cors.ts';
import { handleErrors, renderProblem } from '../shared/http/handle-errors.ts';
import { healthRoutes, type ReadinessChecks } from '../shared/http/health.ts';
import { logFailures } from '../shared/http/log-failures.ts';
import { logRequests } from '../shared/http/log-requests.ts';
import type { Metrics } from '../shared/http/metrics.ts';
import { identifyRequest } from '../shared/http/request-id.ts';
import type { VerifyAccessToken } from '../shared/resource-server/access-token-verifier.ts';
import { createChallenges } from '../shared/resource-server/challenge.ts';
import {
  type Authorized,
  createReverify,
  requireAccessToken,
  serveProtectedResourceMetadata,
} from '../shared/resource-server/koa.ts';
import type { ProtectedResource } from '../shared/resource-server/protected-resource-metadata.ts';
import { CORS } from './cors.ts';
import { documentationRoutes } from './openapi/documentation-routes.ts';
import type { TodoChangeFeed } from './todos/change-feed.ts';
import { todoRoutes } from './todos/routes.ts';
import type { Todos } from './todos/todos.ts';

/** Creates the todo API's app: a resource server whose routes are below the path of its resource identifier. */
export function createApiApp({
  todos,
  changeFeed,
  verify,
  protectedResource,
  limitRequests,
  corsOrigins,
  checks,
  metrics,
  logger,
}: {
  todos: Todos;
  changeFeed: TodoChangeFeed;
  verify: VerifyAccessToken;
  protectedResource: ProtectedResource;
  limitRequests: Middleware<Authorized>;
  corsOrigins?: CorsOrigins | undefined;
  checks: ReadinessChecks;
  metrics: Metrics;
  logger: Logger;
}): Koa {
  const { resource } = protectedResource;
  const challenges = createChallenges(protectedResource);
  const authenticate = compose([requireAccessToken({ verify, challenges }), limitRequests]);
  const reverify = createReverify({ verify, challenges });
  const router = todoRoutes({ todos, changeFeed, resource, authenticate, reverify, challenges });

  const app = new Koa();
  app.on('error', logFailures(logger));
  app.use(identifyRequest);
  app.use(logRequests(logger));
  app.use(metrics.middleware);
  if (corsOrigins !== undefined) app.use(cors({ origins: corsOrigins, ...CORS }));
  app.use(handleErrors({ logger, render: renderProblem }));
  app.use(healthRoutes({ checks, logger }).routes());
  app.use(serveProtectedResourceMetadata(protectedResource));
  app.use(router.routes());
  app.use(documentationRoutes(protectedResource).routes());
  app.use(router.allowedMethods());
  return app;
}
