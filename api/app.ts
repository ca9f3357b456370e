import Router from '@koa/router';
import Koa from 'koa';
import type { Logger } from 'pino';
import { handleErrors, renderProblem } from '../shared/http/handle-errors.ts';
import { healthRoutes, type ReadinessChecks } from '../shared/http/health.ts';
import { createMetrics } from '../shared/http/metrics.ts';
import type { VerifyAccessToken } from '../shared/oauth/access-token-verifier.ts';
import { createChallenges } from '../shared/oauth/challenges.ts';
import { type ProtectedResource, protectedResourceMetadataRoutes } from '../shared/oauth/protected-resource.ts';
import { requireAccessToken } from '../shared/oauth/require-access-token.ts';
import { todoRoutes } from './todos/routes.ts';
import type { Todos } from './todos/todos.ts';

/** Creates the todo API's app: a resource server whose routes are below the path of its resource identifier. */
export function createApiApp({
  todos,
  verify,
  protectedResource,
  checks,
  logger,
}: {
  todos: Todos;
  verify: VerifyAccessToken;
  protectedResource: ProtectedResource;
  checks: ReadinessChecks;
  logger: Logger;
}): Koa {
  const { resource } = protectedResource;
  const challenges = createChallenges(protectedResource);
  const router = new Router({ prefix: new URL(resource).pathname.replace(/\/$/, '') });
  router.use(requireAccessToken({ verify, challenges }), todoRoutes({ todos, resource, challenges }).routes());

  const app = new Koa();
  app.use(createMetrics().middleware);
  app.use(handleErrors({ logger, render: renderProblem }));
  app.use(healthRoutes({ checks, logger }).routes());
  app.use(protectedResourceMetadataRoutes(protectedResource).routes());
  app.use(router.routes());
  app.use(router.allowedMethods());
  return app;
}
