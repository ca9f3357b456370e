import type Router from '@koa/router';
import Koa, { type Middleware } from 'koa';
import compose from 'koa-compose';
import type { Logger } from 'pino';
import { cors } from '../shared/http/cors.ts';
import { handleErrors, renderProblem } from '../shared/http/handle-errors.ts';
import { healthRoutes, type ReadinessChecks } from '../shared/http/health.ts';
import { logFailures } from '../shared/http/log-failures.ts';
import type { Metrics } from '../shared/http/metrics.ts';
import { identifyRequest } from '../shared/http/request-id.ts';
import { type ServiceIndex, serviceIndex } from '../shared/http/service-index.ts';
import { type Authorized, serveProtectedResourceMetadata } from '../shared/resource-server/koa.ts';
import type { ProtectedResource } from '../shared/resource-server/protected-resource-metadata.ts';
import type { RegisterClient } from './client-registration/registration.ts';
import {
  REGISTRATION_CORS,
  REGISTRATION_PATH,
  registrationRoutes,
  renderRegistrationError,
} from './client-registration/registration-routes.ts';
import { readAuthorizationHeader } from './provider/authorization-header.ts';
import { measureTokenRequests } from './provider/measure-token-requests.ts';
import type { ProviderApp } from './provider/provider.ts';
import { rejectUnreadableBodies } from './provider/reject-unreadable-bodies.ts';
import { ROUTES } from './provider/routes.ts';
import type { ReaderState } from './status-lists/authenticate-reader.ts';
import { STATUS_LISTS_PATH } from './status-lists/list-uri.ts';
import { STATUS_LIST_CORS } from './status-lists/routes.ts';
import { underPath } from './under-path.ts';

/** Creates the authorization server's app: oidc-provider, which is a Koa app, behind the routes that auth adds. */
export function createAuthApp({
  provider,
  apiResource,
  adminResource,
  statusListRoutes,
  adminRoutes,
  registerClient,
  pages,
  checks,
  traceRequests,
  metrics,
  logger,
}: {
  provider: ProviderApp;
  /** The todo API, to whose documentation `GET /` links. */
  apiResource: string;
  /** The resource server at `/admin`. */
  adminResource: ProtectedResource;
  statusListRoutes: Router<ReaderState>;
  adminRoutes: readonly Router<Authorized>[];
  /** If undefined, clients may not register themselves. */
  registerClient: RegisterClient | undefined;
  /** The pages for persons. */
  pages: Middleware;
  checks: ReadinessChecks;
  /** Makes a span of each request. */
  traceRequests?: Middleware | undefined;
  metrics: Metrics;
  logger: Logger;
}): Koa {
  const { app } = provider;
  app.on('error', logFailures(logger));

  const routes = new Koa();
  routes.use(
    underPath(STATUS_LISTS_PATH, (statusLists) => {
      statusLists.use(cors(STATUS_LIST_CORS));
      statusLists.use(handleErrors({ logger, render: renderProblem }));
      statusLists.use(statusListRoutes.routes());
      statusLists.use(statusListRoutes.allowedMethods());
    }),
  );
  routes.use(
    underPath('/admin', (admin) => {
      admin.use(handleErrors({ logger, render: renderProblem }));
      for (const router of adminRoutes) admin.use(router.routes());
      for (const router of adminRoutes) admin.use(router.allowedMethods());
    }),
  );
  if (registerClient !== undefined) {
    const registration = registrationRoutes(registerClient);
    routes.use(
      underPath(REGISTRATION_PATH, (register) => {
        register.use(cors(REGISTRATION_CORS));
        register.use(handleErrors({ logger, render: renderRegistrationError }));
        register.use(registration.routes());
        register.use(registration.allowedMethods());
      }),
    );
  }
  routes.use(pages);
  routes.use(serviceIndex(describeAuth(adminResource.authorizationServer, apiResource)));
  routes.use(healthRoutes({ checks, logger }).routes());
  routes.use(serveProtectedResourceMetadata(adminResource));
  routes.use(provider.middleware);

  app.use(identifyRequest);
  if (traceRequests !== undefined) app.use(traceRequests);
  app.use(metrics.middleware);
  app.use(measureTokenRequests(metrics.registry));
  app.use(readAuthorizationHeader);
  app.use(rejectUnreadableBodies);
  app.use(exceptTokenRequests(compose(routes.middleware)));
  return app;
}

/** Skips `routes` for token requests, which are the most frequent ones and which only oidc-provider handles. */
function exceptTokenRequests(routes: Middleware): Middleware {
  return function exceptTokenRequests(ctx, next) {
    return ctx.path === ROUTES.token && ctx.method === 'POST' ? next() : routes(ctx, next);
  };
}

function describeAuth(issuer: string, apiResource: string): ServiceIndex {
  return {
    name: 'yata authorization server',
    description:
      'This server issues and revokes the access tokens of the todo API and the MCP server. OAuth clients find its endpoints in its metadata.',
    links: [
      { href: new URL('/docs', apiResource).href, title: 'Documentation of the todo API' },
      { href: `${issuer}/.well-known/oauth-authorization-server`, title: 'Authorization server metadata (RFC 8414)' },
      { href: `${issuer}/health/ready`, title: 'Health: whether this server is ready' },
    ],
  };
}
