import { type Database, openEmbeddedDatabase } from '../shared/database/database.ts';
import { openOrm } from '../shared/database/orm.ts';
import { createMetrics } from '../shared/http/metrics.ts';
import { type ListeningServer, serve } from '../shared/http/serve.ts';
import { createLogger } from '../shared/logger.ts';
import { measureStatusListReader } from '../shared/oauth/measure-status-list-reader.ts';
import { openResourceServer } from '../shared/oauth/resource-server.ts';
import { runUntilSignalled } from '../shared/run-until-signalled.ts';
import { TODO_SCOPES } from '../shared/scopes.ts';
import { createApiApp } from './app.ts';
import { type ApiConfig, readApiConfig } from './config.ts';
import { apiDatabase } from './database/definition.ts';
import { createTodos } from './todos/todos.ts';

/** Starts the todo API on `database`. Disposing it drains and closes everything but the database. */
export async function startApi(config: ApiConfig, database: Database): Promise<ListeningServer> {
  await using starting = new AsyncDisposableStack();
  const logger = createLogger({ name: 'api', level: config.LOG_LEVEL });
  const { em } = starting.use(await openOrm(database, apiDatabase));
  const protectedResource = {
    resource: config.API_RESOURCE,
    authorizationServer: config.AUTH_ISSUER,
    scopes: TODO_SCOPES,
    name: 'yata todos',
  };
  const { verify, statusLists, ready } = starting.use(
    openResourceServer(protectedResource, { authUrl: config.AUTH_URL, logger }),
  );
  const metrics = createMetrics();
  measureStatusListReader(metrics.registry, statusLists);
  const app = createApiApp({
    todos: createTodos(em),
    verify,
    protectedResource,
    checks: { database: () => em.fork().execute('select 1'), issuer: ready },
    metrics,
    logger,
  });
  const server = starting.use(await serve(app.callback(), { port: config.API_PORT, host: config.HOST }));
  logger.info({ port: server.port, resource: config.API_RESOURCE }, 'listening');
  const started = starting.move();
  return { port: server.port, [Symbol.asyncDispose]: () => started.disposeAsync() };
}

if (import.meta.main) {
  await runUntilSignalled(async (resources) => {
    const config = readApiConfig(process.env);
    const database: Database =
      config.API_DATABASE_URL === undefined
        ? resources.use(await openEmbeddedDatabase(config.YATA_DATA_DIR))
        : { kind: 'postgresql', url: config.API_DATABASE_URL };
    resources.use(await startApi(config, database));
  });
}
