import { type Database, openEmbeddedDatabase } from '../shared/database/database.ts';
import { openOrm } from '../shared/database/orm.ts';
import { type ListeningServer, serve } from '../shared/http/serve.ts';
import { createLogger } from '../shared/logger.ts';
import { runUntilSignalled } from '../shared/run-until-signalled.ts';
import { createAuthApp } from './app.ts';
import { openClients } from './clients/clients.ts';
import { registerFirstClients } from './clients/first-clients.ts';
import { type AuthConfig, readAuthConfig } from './config.ts';
import { deleteExpiredArtifacts } from './database/adapter.ts';
import { authDatabase } from './database/definition.ts';
import { findOrCreateKeyEncryptionKey } from './signing-keys/key-encryption-key.ts';
import { loadSigningKeys } from './signing-keys/signing-keys.ts';
import { openStatusLists, retireStatusLists } from './status-lists/status-lists.ts';

/** Milliseconds between deletions of what expired. */
const CLEAN_EVERY = 5 * 60_000;

/** Starts the authorization server on `database`. Disposing it drains and closes everything but the database. */
export async function startAuth(config: AuthConfig, database: Database): Promise<ListeningServer> {
  await using starting = new AsyncDisposableStack();
  const logger = createLogger({ name: 'auth', level: config.LOG_LEVEL });
  const { em } = starting.use(await openOrm(database, authDatabase));
  const keyEncryptionKey = config.AUTH_KEY_ENCRYPTION_KEY ?? findOrCreateKeyEncryptionKey(config.YATA_DATA_DIR);
  const signingKeys = await loadSigningKeys({ em, algorithm: config.AUTH_SIGNING_ALG, keyEncryptionKey });
  const addresses = {
    issuer: config.AUTH_ISSUER,
    apiResource: config.API_RESOURCE,
    mcpResource: config.MCP_RESOURCE,
  };
  await registerFirstClients({
    ...addresses,
    em,
    dataDirectory: config.YATA_DATA_DIR,
    mcpClientSecret: config.MCP_CLIENT_SECRET,
  });
  const clients = starting.use(await openClients({ database, em }));
  const statusLists = starting.use(
    await openStatusLists({ database, em, issuer: config.AUTH_ISSUER, signingKeys, logger }),
  );
  const cleaning = setInterval(() => {
    Promise.all([deleteExpiredArtifacts(em), retireStatusLists(em)]).catch((err) =>
      logger.warn({ err }, 'what expired could not be deleted'),
    );
  }, CLEAN_EVERY);
  starting.defer(() => clearInterval(cleaning));
  const app = createAuthApp({
    ...addresses,
    signingKeys,
    accessTokenTtl: config.ACCESS_TOKEN_TTL,
    em,
    clients,
    statusLists,
    logger,
  });
  const server = starting.use(await serve(app.callback(), { port: config.AUTH_PORT, host: config.HOST }));
  logger.info({ port: server.port, issuer: config.AUTH_ISSUER }, 'listening');
  // once more, so that it ends before the server, which waits for those who wait there
  starting.use(statusLists);
  const started = starting.move();
  return { port: server.port, [Symbol.asyncDispose]: () => started.disposeAsync() };
}

if (import.meta.main) {
  await runUntilSignalled(async (resources) => {
    const config = readAuthConfig(process.env);
    const database: Database =
      config.AUTH_DATABASE_URL === undefined
        ? resources.use(await openEmbeddedDatabase(config.YATA_DATA_DIR))
        : { kind: 'postgresql', url: config.AUTH_DATABASE_URL };
    resources.use(await startAuth(config, database));
  });
}
