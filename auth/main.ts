import { type Database, openEmbeddedDatabase } from '../shared/database/database.ts';
import { openOrm } from '../shared/database/orm.ts';
import { createWaiting } from '../shared/http/prefer-wait.ts';
import { type ListeningServer, serve } from '../shared/http/serve.ts';
import { createLogger } from '../shared/logger.ts';
import { runUntilSignalled } from '../shared/run-until-signalled.ts';
import { createAuthApp } from './app.ts';
import { deleteOldAuditEvents } from './audit/audit.ts';
import {
  deleteExpiredFailures,
  openFailedAuthenticationLimiter,
} from './client-authentication/failed-authentication-limiter.ts';
import { openClients } from './clients/clients.ts';
import { registerFirstClients } from './clients/first-clients.ts';
import { createSecretUse } from './clients/secret-use.ts';
import { type AuthConfig, readAuthConfig } from './config.ts';
import { authDatabase } from './database/definition.ts';
import { deleteExpiredArtifacts } from './provider/adapter.ts';
import { findOrCreateKeyEncryptionKey } from './signing-keys/key-encryption-key.ts';
import { createPublicKeys } from './signing-keys/public-keys.ts';
import { findOrCreateSigningKeys } from './signing-keys/signing-keys.ts';
import { openPeers } from './status-lists/peers.ts';
import { deleteExpiredStatusLists } from './status-lists/status-list-retention.ts';
import { openStatusLists } from './status-lists/status-lists.ts';

/** Milliseconds between deletions of what expired, and writes of when each secret was last used. */
const TIDY_EVERY = 60_000;

/** Starts the authorization server on `database`. Disposing it drains and closes everything but the database. */
export async function startAuth(config: AuthConfig, database: Database): Promise<ListeningServer> {
  await using starting = new AsyncDisposableStack();
  const logger = createLogger({ name: 'auth', level: config.LOG_LEVEL });
  const { em } = starting.use(await openOrm(database, authDatabase));
  const keyEncryptionKey = config.AUTH_KEY_ENCRYPTION_KEY ?? findOrCreateKeyEncryptionKey(config.YATA_DATA_DIR);
  const load = () => findOrCreateSigningKeys({ em, algorithm: config.AUTH_SIGNING_ALG, keyEncryptionKey });
  const signingKeys = await load();
  const publicKeys = createPublicKeys({ signingKeys, load, logger });
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
  const secretUse = createSecretUse(em);
  starting.defer(() => secretUse.write());
  const failedAuthentications = starting.use(openFailedAuthenticationLimiter({ database, logger }));
  const statusLists = starting.use(
    await openStatusLists({ database, em, issuer: config.AUTH_ISSUER, signingKeys, logger }),
  );
  const peers = starting.use(await openPeers({ database, em }));
  const tidying = setInterval(() => {
    Promise.all([
      secretUse.write(),
      deleteExpiredArtifacts(em),
      deleteExpiredFailures(em),
      deleteExpiredStatusLists(em),
      deleteOldAuditEvents(em, config.AUDIT_RETENTION_DAYS),
    ]).catch((err) => logger.warn({ err }, 'the database could not be tidied'));
  }, TIDY_EVERY);
  starting.defer(() => clearInterval(tidying));
  const waiting = createWaiting();
  const app = createAuthApp({
    ...addresses,
    signingKeys,
    publicKeys,
    accessTokenTtl: config.ACCESS_TOKEN_TTL,
    em,
    clients,
    secretUse,
    failedAuthentications,
    statusLists,
    peers,
    waiting,
    isTrustedProxy: config.AUTH_TRUSTED_PROXIES,
    logger,
  });
  const server = await serve(app.callback(), { port: config.AUTH_PORT, host: config.HOST });
  // together: the server waits for those who wait for a change of the status lists, or for confirmations
  starting.defer(async () => {
    waiting.end();
    await Promise.all([server[Symbol.asyncDispose](), statusLists[Symbol.asyncDispose]()]);
  });
  logger.info({ port: server.port, issuer: config.AUTH_ISSUER }, 'listening');
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
