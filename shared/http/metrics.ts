import type { Context, Middleware } from 'koa';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { createRouteFinder, type FindRoute, methodLabel } from './find-route.ts';
import { findLimit, type Limit } from './limits-reached.ts';

/** The metrics registry of one service, and the middleware that measures its requests and serves `GET /metrics`. */
export type Metrics = { readonly registry: Registry; readonly middleware: Middleware };

/** From a request that is answered from memory, to one that waits for a change as long as it may. */
const BUCKETS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5];

/**
 * Creates the metrics of one service, in the Prometheus text format. Each label has few values, whatever clients send.
 * @param limits the limits of this service: each is a series from the start, so that `increase` sees its first rejection.
 */
export function createMetrics({
  limits = [],
  findRoute = createRouteFinder(),
}: {
  limits?: readonly Limit[];
  findRoute?: FindRoute;
} = {}): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const duration = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time from the request headers to the end of the response',
    labelNames: ['method', 'route', 'status'],
    buckets: BUCKETS,
    registers,
  });
  const unfinished = new Gauge({
    name: 'http_requests_in_progress',
    help: 'Requests whose response has not ended, those that wait for a change included',
    registers,
  });
  const aborted = new Counter({
    name: 'http_requests_aborted_total',
    help: 'Requests whose client disconnected, or whose response failed, before its end',
    registers,
  });
  const rejected = new Counter({
    name: 'limit_rejections_total',
    help: 'Requests that were rejected because of a limit',
    labelNames: ['limit'],
    registers,
  });
  for (const limit of limits) rejected.inc({ limit }, 0);

  return {
    registry,
    middleware(ctx, next) {
      if (ctx.path === '/metrics' && ctx.method === 'GET') return answer(ctx);
      const start = performance.now();
      unfinished.inc();
      ctx.res.once('close', () => {
        unfinished.dec();
        if (!ctx.res.writableFinished) aborted.inc();
      });
      ctx.res.once('finish', () => {
        const labels = { method: methodLabel(ctx.method), route: findRoute(ctx), status: ctx.status };
        duration.observe(labels, (performance.now() - start) / 1000);
        const limit = findLimit(ctx);
        if (limit !== undefined) rejected.inc({ limit });
      });
      return next();
    },
  };

  async function answer(ctx: Context): Promise<void> {
    ctx.type = registry.contentType;
    ctx.body = await registry.metrics();
  }
}
