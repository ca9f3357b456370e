import Router from '@koa/router';
import type { Logger } from 'pino';

/** What must work before this process gets requests. Each check resolves, or rejects with the reason. */
export type ReadinessChecks = Readonly<Record<string, () => Promise<unknown>>>;

/** How long a check may take. */
const CHECK_TIMEOUT_MS = 3_000;

/**
 * Serves `GET /health/live`, which is 200 while the process answers, and `GET /health/ready`, which is 200 when every check
 * passes. Otherwise it is 503 and names the checks that failed or took longer than `timeout` milliseconds.
 */
export function healthRoutes({
  checks,
  logger,
  timeout = CHECK_TIMEOUT_MS,
}: {
  checks: ReadinessChecks;
  logger: Logger;
  timeout?: number;
}): Router {
  const router = new Router({ prefix: '/health' });
  router.get('/live', function live(ctx) {
    ctx.set('cache-control', 'no-store');
    ctx.body = { status: 'ok' };
  });
  router.get('/ready', async function ready(ctx) {
    const results = await Promise.all(Object.entries(checks).map(([name, check]) => run(name, check)));
    ctx.set('cache-control', 'no-store');
    ctx.status = results.every(([, state]) => state === 'ok') ? 200 : 503;
    ctx.body = { status: ctx.status === 200 ? 'ok' : 'unavailable', checks: Object.fromEntries(results) };
  });
  return router;

  async function run(name: string, check: () => Promise<unknown>): Promise<[string, 'ok' | 'unavailable']> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const deadline = setTimeout(() => reject(new Error(`the check took longer than ${timeout} ms`)), timeout);
    try {
      await Promise.race([check(), late]);
      return [name, 'ok'];
    } catch (error) {
      logger.warn({ event: 'readiness.failed', err: error, check: name }, 'readiness check failed');
      return [name, 'unavailable'];
    } finally {
      clearTimeout(deadline);
    }
  }
}
