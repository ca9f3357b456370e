import type { Context, Middleware } from 'koa';
import { collectDefaultMetrics, Histogram, Registry } from 'prom-client';

/** The metrics registry of one service, and the middleware that measures its requests and serves `GET /metrics`. */
export type Metrics = { readonly registry: Registry; readonly middleware: Middleware };

/** Creates the metrics of one service, in the Prometheus text format. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const duration = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time from the request headers to the end of the response',
    labelNames: ['method', 'status'],
    buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5],
    registers: [registry],
  });
  return {
    registry,
    middleware(ctx, next) {
      if (ctx.path === '/metrics' && ctx.method === 'GET') return answer(ctx);
      const start = performance.now();
      ctx.res.once('finish', () => {
        duration.observe({ method: ctx.method, status: ctx.status }, (performance.now() - start) / 1000);
      });
      return next();
    },
  };

  async function answer(ctx: Context): Promise<void> {
    ctx.type = registry.contentType;
    ctx.body = await registry.metrics();
  }
}
