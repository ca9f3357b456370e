import Koa, { type Middleware } from 'koa';
import type { Logger } from 'pino';
import { type CorsNames, type CorsOrigins, cors as handleCors } from './cors.ts';
import { handleErrors, type RenderError } from './handle-errors.ts';
import { healthRoutes, type ReadinessChecks } from './health.ts';
import { logFailures } from './log-failures.ts';
import { logRequests } from './log-requests.ts';
import type { Metrics } from './metrics.ts';
import { identifyRequest } from './request-id.ts';
import { type ServiceIndex, serviceIndex } from './service-index.ts';

/**
 * Creates the app of a service with everything that comes before its own routes: request ids, the request log, metrics,
 * CORS, error responses, `GET /` and health. Mount the routes of the service on the app that it returns.
 */
export function createServiceApp({
  index,
  checks,
  cors,
  renderError,
  traceRequests,
  metrics,
  logger,
}: {
  index: ServiceIndex;
  checks: ReadinessChecks;
  /** Without `origins`, pages of other origins cannot read the responses. */
  cors: CorsNames & { origins: CorsOrigins | undefined };
  renderError: RenderError;
  /** Makes a span of each request. */
  traceRequests?: Middleware | undefined;
  metrics: Metrics;
  logger: Logger;
}): Koa {
  const { origins, ...corsNames } = cors;
  const app = new Koa();
  app.on('error', logFailures(logger));
  app.use(identifyRequest);
  if (traceRequests !== undefined) app.use(traceRequests);
  app.use(logRequests(logger));
  app.use(metrics.middleware);
  if (origins !== undefined) app.use(handleCors({ origins, ...corsNames }));
  app.use(handleErrors({ logger, render: renderError }));
  app.use(serviceIndex(index));
  app.use(healthRoutes({ checks, logger }).routes());
  return app;
}
