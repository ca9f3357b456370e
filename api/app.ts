import type Koa from 'koa';
import type { Middleware } from 'koa';
import compose from 'koa-compose';
import type { Logger } from 'pino';
import type { CorsOrigins } from '../shared/http/cors.ts';
import { renderProblem } from '../shared/http/handle-errors.ts';
import type { ReadinessChecks } from '../shared/http/health.ts';
import type { Metrics } from '../shared/http/metrics.ts';
import { createServiceApp } from '../shared/http/service-app.ts';
import type { ServiceIndex } from '../shared/http/service-index.ts';
import { limitConcurrentRequests } from '../shared/rate-limit/limit-concurrent-requests.ts';
import type { RateLimit } from '../shared/rate-limit/rate-limit.ts';
import type { VerifyAccessToken } from '../shared/resource-server/access-token-verifier.ts';
import { createChallenges } from '../shared/resource-server/challenge.ts';
import { createReverify, requireAccessToken, serveProtectedResourceMetadata } from '../shared/resource-server/koa.ts';
import { metadataUrl, type ProtectedResource } from '../shared/resource-server/protected-resource-metadata.ts';
import { CORS } from './cors.ts';
import { documentationRoutes } from './openapi/documentation-routes.ts';
import type { TodoChangeFeed } from './todos/change-feed/change-feed.ts';
import { todoRoutes } from './todos/routes.ts';

/** Creates the app of the todo API, a resource server. Its routes are below the path of its resource identifier. */
export function createApiApp({
  todos,
  changeFeed,
  verify,
  protectedResource,
  rateLimit,
  corsOrigins,
  checks,
  traceRequests,
  metrics,
  logger,
}: {
  todos: Parameters<typeof todoRoutes>[0]['todos'];
  changeFeed: Pick<TodoChangeFeed, 'read'>;
  verify: VerifyAccessToken;
  protectedResource: ProtectedResource;
  rateLimit: RateLimit;
  corsOrigins?: CorsOrigins | undefined;
  checks: ReadinessChecks;
  /** Makes a span of each request. */
  traceRequests?: Middleware | undefined;
  metrics: Metrics;
  logger: Logger;
}): Koa {
  const { resource } = protectedResource;
  const challenges = createChallenges(protectedResource);
  const authenticate = compose([
    requireAccessToken({ verify, challenges }),
    rateLimit.limitRequests,
    limitConcurrentRequests(),
  ]);
  const reverify = createReverify({ verify, challenges });
  const router = todoRoutes({ todos, changeFeed, resource, authenticate, rateLimit, reverify, challenges });

  const app = createServiceApp({
    index: describeApi(protectedResource),
    checks,
    cors: { origins: corsOrigins, ...CORS },
    renderError: renderProblem,
    traceRequests,
    metrics,
    logger,
  });
  app.use(serveProtectedResourceMetadata(protectedResource));
  app.use(router.routes());
  app.use(documentationRoutes(protectedResource).routes());
  app.use(router.allowedMethods());
  return app;
}

function describeApi({ resource, name }: ProtectedResource): ServiceIndex {
  const link = (path: string, title: string) => ({ href: new URL(path, resource).href, title });
  return {
    name,
    description:
      'This server is the todo API. Read its documentation at /docs. Each request needs an access token from the authorization server that the metadata names.',
    links: [
      link('/docs', 'Documentation, where you can try requests'),
      link('/openapi.json', 'OpenAPI description'),
      link(metadataUrl(resource), 'Protected resource metadata (RFC 9728)'),
      link('/health/ready', 'Health: whether this server is ready'),
    ],
  };
}
