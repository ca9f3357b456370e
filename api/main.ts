import { type Database, openEmbeddedDatabase } from '../shared/database/database.ts';
import { createPoolObserver } from '../shared/database/observe-pools.ts';
import { openOrm } from '../shared/database/orm.ts';
import { createRouteFinder } from '../shared/http/find-route.ts';
import { LIMITS } from '../shared/http/limits-reached.ts';
import { measureStatusListReader } from '../shared/http/measure-status-list-reader.ts';
import { createMetrics } from '../shared/http/metrics.ts';
import { reportRejectedConnections } from '../shared/http/report-rejected-connections.ts';
import { type ListeningServer, serve } from '../shared/http/serve.ts';
import { createLogger } from '../shared/logger.ts';
import { openPointCounter } from '../shared/rate-limit/point-counter.ts';
import { createRateLimit } from '../shared/rate-limit/rate-limit.ts';
import { metadataPaths } from '../shared/resource-server/protected-resource-metadata.ts';
import { openResourceServer } from '../shared/resource-server/resource-server.ts';
import { runUntilSignalled } from '../shared/run-until-signalled.ts';
import { TODO_SCOPES } from '../shared/scopes.ts';
import { createShutdown, type Shutdown } from '../shared/shutdown.ts';
import { openTracing } from '../shared/tracing/tracing.ts';
import { createApiApp } from './app.ts';
import { type ApiConfig, readApiConfig } from './config.ts';
import { apiDatabase } from './database/definition.ts';
import { deleteExpiredKeys } from './idempotency/idempotency.ts';
import { openTodoChangeFeed } from './todos/change-feed/change-feed.ts';
import { measureChangeFeed } from './todos/change-feed/metrics.ts';
import { openTodos } from './todos/todos.ts';

/** How often deleted todos, old changes and idempotency keys are removed when they have expired. */
const CLEANUP_INTERVAL_MS = 600_000;

/**
 * Starts the todo API on `database`. Disposing it finishes the running requests and closes everything except the database.
 * @param serversOfProcess how many servers share the open files of this process.
 * @param shutdown the shutdown of this process, after whose beginning the service is not ready.
 */
export async function startApi(
  config: ApiConfig,
  database: Database,
  { serversOfProcess, shutdown = createShutdown() }: { serversOfProcess?: number; shutdown?: Shutdown } = {},
): Promise<ListeningServer> {
  await using starting = new AsyncDisposableStack();
  const tracing = starting.use(await openTracing(config, 'yata-api'));
  const logger = createLogger({ name: 'api', level: config.LOG_LEVEL, fields: tracing.logFields });
  tracing.reportTo(logger);
  const findRoute = createRouteFinder(['/', ...metadataPaths(config.API_RESOURCE)]);
  const metrics = createMetrics({ limits: LIMITS.api, findRoute });
  const observePool = createPoolObserver({ registry: metrics.registry, tracePool: tracing.tracePool });
  const { em } = starting.use(
    await openOrm(database, apiDatabase, { migrations: config.MIGRATIONS, observe: observePool('ordinary') }),
  );
  const protectedResource = {
    resource: config.API_RESOURCE,
    authorizationServer: config.AUTH_ISSUER,
    scopes: TODO_SCOPES,
    name: 'yata todos',
  };
  const { verify, statusLists, ready } = starting.use(
    openResourceServer(protectedResource, { authUrl: config.AUTH_URL, credentials: credentialsOf(config), logger }),
  );
  measureStatusListReader(metrics.registry, statusLists);
  const changeFeed = starting.use(await openTodoChangeFeed({ database, em }));
  measureChangeFeed(metrics.registry, changeFeed);
  const todos = starting.use(
    openTodos({
      ...{ em, database, logger, observe: observePool('writes') },
      quota: { todos: config.QUOTA_TODOS, bytes: config.QUOTA_BYTES },
      onChange: changeFeed.noteChange,
      captureContext: tracing.captureContext,
    }),
  );
  const cleanUp = () => {
    Promise.all([todos.purge(), deleteExpiredKeys(em)]).catch((err) =>
      logger.warn({ event: 'cleanup.failed', err }, 'expired rows were not deleted'),
    );
  };
  const cleanUpTimer = setInterval(cleanUp, CLEANUP_INTERVAL_MS);
  starting.defer(() => clearInterval(cleanUpTimer));
  const points = starting.use(
    await openPointCounter({
      limit: config.API_RATE_LIMIT,
      url: config.RATE_LIMIT_URL,
      logger,
      observe: observePool('rate_limit'),
    }),
  );
  const app = createApiApp({
    todos,
    changeFeed,
    verify,
    protectedResource,
    rateLimit: createRateLimit(points),
    corsOrigins: config.API_CORS_ORIGINS,
    checks: { process: shutdown.check, database: () => em.fork().execute('select 1'), issuer: ready },
    traceRequests: tracing.traceRequests?.(findRoute),
    metrics,
    logger,
  });
  const server = await serve(app.callback(), {
    port: config.API_PORT,
    host: config.HOST,
    serversOfProcess,
    isStopping: shutdown.hasBegun,
    limits: { keepAlive: config.HTTP_KEEP_ALIVE * 1000, isTrustedProxy: config.API_TRUSTED_PROXIES },
    onConnectionRejected: reportRejectedConnections({ registry: metrics.registry, logger }),
  });
  // at the same time: the server waits for requests that wait for a change, and the feed ends these
  starting.defer(async () => {
    await Promise.all([server[Symbol.asyncDispose](), changeFeed[Symbol.asyncDispose]()]);
  });
  logger.info({ event: 'server.listening', port: server.port, resource: config.API_RESOURCE }, 'listening');
  const started = starting.move();
  return { port: server.port, [Symbol.asyncDispose]: () => started.disposeAsync() };
}

function credentialsOf({ OAUTH_CLIENT_ID: clientId, OAUTH_CLIENT_SECRET: clientSecret }: ApiConfig) {
  return clientId === undefined || clientSecret === undefined ? undefined : { clientId, clientSecret };
}

if (import.meta.main) {
  await runUntilSignalled(async (resources, shutdown) => {
    const config = readApiConfig(process.env);
    const database: Database =
      config.API_DATABASE_URL === undefined
        ? resources.use(await openEmbeddedDatabase(config.YATA_DATA_DIR))
        : { kind: 'postgresql', url: config.API_DATABASE_URL };
    shutdown.delayFor(config.SHUTDOWN_DELAY);
    resources.use(await startApi(config, database, { shutdown }));
  });
}
