import Router from '@koa/router';
import type { Logger } from 'pino';
import { ShutdownError } from '../shutdown.ts';

/** What must work before this process gets requests. Each check resolves, or rejects with the reason. */
export type ReadinessChecks = Readonly<Record<string, () => Promise<unknown>>>;

/** How long a check may take. */
const CHECK_TIMEOUT_MS = 3_000;

/** How long all requests get the results of the last checks. */
const RESULT_LIFETIME_MS = 1_000;

/** The name of a check, and its result. */
type CheckResult = readonly [name: string, state: 'ok' | 'unavailable'];

/**
 * Serves `GET /health/live`, which is 200 while the process answers, and `GET /health/ready`, which is 200 when every check
 * passes. Otherwise it is 503 and names the checks that failed or took longer than `timeout` milliseconds. However many
 * requests there are, each check runs once at a time and about once in a second.
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
  const runs = Object.entries(checks).map(([name, check]) => createRun({ name, check, logger, timeout }));
  let latest: Promise<CheckResult[]> | undefined;

  const router = new Router({ prefix: '/health' });
  router.get('/live', function live(ctx) {
    ctx.set('cache-control', 'no-store');
    ctx.body = { status: 'ok' };
  });
  router.get('/ready', async function ready(ctx) {
    latest ??= runAll();
    const results = await latest;
    ctx.set('cache-control', 'no-store');
    ctx.status = results.every(([, state]) => state === 'ok') ? 200 : 503;
    ctx.body = { status: ctx.status === 200 ? 'ok' : 'unavailable', checks: Object.fromEntries(results) };
  });
  return router;

  async function runAll(): Promise<CheckResult[]> {
    const results = await Promise.all(runs.map((run) => run()));
    setTimeout(() => {
      latest = undefined;
    }, RESULT_LIFETIME_MS).unref();
    return results;
  }
}

/** Creates a function that runs a check, and logs when its state changes. */
function createRun({
  name,
  check,
  logger,
  timeout,
}: {
  name: string;
  check: () => Promise<unknown>;
  logger: Logger;
  timeout: number;
}): () => Promise<CheckResult> {
  let running: Promise<unknown> | undefined;
  let isFailing = false;

  return async function run() {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const deadline = setTimeout(() => reject(new Error(`the check took longer than ${timeout} ms`)), timeout);
    // a check that took too long may still run
    running ??= check().finally(() => {
      running = undefined;
    });
    try {
      await Promise.race([running, late]);
      if (isFailing) logger.info({ event: 'readiness.recovered', check: name }, 'readiness check passes again');
      isFailing = false;
      return [name, 'ok'];
    } catch (error) {
      if (error instanceof ShutdownError) {
        if (!isFailing) logger.info({ event: 'server.stopping' }, 'the process is stopping: it is no longer ready');
      } else if (!isFailing)
        logger.warn({ event: 'readiness.failed', err: error, check: name }, 'readiness check failed');
      isFailing = true;
      return [name, 'unavailable'];
    } finally {
      clearTimeout(deadline);
    }
  };
}
