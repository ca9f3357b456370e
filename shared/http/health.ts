import Router from '@koa/router';
import type { Logger } from 'pino';

/** What must work before requests are sent here: each check resolves, or rejects with the reason. */
export type ReadinessChecks = Readonly<Record<string, () => Promise<unknown>>>;

/** Milliseconds that a check has. */
const TIMEOUT = 3_000;

/**
 * `GET /health/live` answers as long as the process does; `GET /health/ready` is 200 when every check passes and 503
 * with the names of those that do not, or not within `timeout` milliseconds.
 */
export function healthRoutes({
  checks,
  logger,
  timeout = TIMEOUT,
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
      logger.warn({ err: error, check: name }, 'not ready');
      return [name, 'unavailable'];
    } finally {
      clearTimeout(deadline);
    }
  }
}
