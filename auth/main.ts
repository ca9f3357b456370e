import { type Database, openEmbeddedDatabase } from '../shared/database/database.ts';
import { createPoolObserver } from '../shared/database/observe-pools.ts';
import { openOrm } from '../shared/database/orm.ts';
import { createRouteFinder } from '../shared/http/find-route.ts';
import { LIMITS } from '../shared/http/limits-reached.ts';
import { createMetrics } from '../shared/http/metrics.ts';
import { createWaiting } from '../shared/http/prefer-wait.ts';
import { reportRejectedConnections } from '../shared/http/report-rejected-connections.ts';
import { type ListeningServer, serve } from '../shared/http/serve.ts';
import { createLogger } from '../shared/logger.ts';
import { createAccessTokenVerifier } from '../shared/resource-server/access-token-verifier.ts';
import { createChallenges } from '../shared/resource-server/challenge.ts';
import { requireAccessToken } from '../shared/resource-server/koa.ts';
import { metadataPaths } from '../shared/resource-server/protected-resource-metadata.ts';
import { runUntilSignalled } from '../shared/run-until-signalled.ts';
import { TODO_SCOPES } from '../shared/scopes.ts';
import { createShutdown, type Shutdown } from '../shared/shutdown.ts';
import { openTracing } from '../shared/tracing/tracing.ts';
import { findAccount } from './accounts/accounts.ts';
import { createAdministration } from './admin/administration.ts';
import { keyRoutes } from './admin/key-routes.ts';
import { adminRoutes } from './admin/routes.ts';
import { userRoutes } from './admin/user-routes.ts';
import { createUsers } from './admin/users.ts';
import { createAuthApp } from './app.ts';
import { openAuditQueue } from './audit/audit-queue.ts';
import { openBackgroundTasks } from './background-tasks.ts';
import { openFailedAuthenticationLimiter, PERSONS } from './client-authentication/failed-authentication-limiter.ts';
import { createLimitedLookup } from './client-authentication/limited-lookup.ts';
import { createFetchPublic, type FetchPublic } from './client-metadata-documents/fetch-public.ts';
import { createMetadataDocuments } from './client-metadata-documents/metadata-documents.ts';
import { createRegistration } from './client-registration/registration.ts';
import { openClients } from './clients/clients.ts';
import { registerFirstClients } from './clients/first-clients.ts';
import { createSecretUse } from './clients/secret-use.ts';
import { type AuthConfig, readAuthConfig } from './config.ts';
import { createConnections } from './connections/connections.ts';
import { noteRepeatedUse } from './connections/repeated-use.ts';
import { authDatabase } from './database/definition.ts';
import { type EmFor, openPriorityConnections, openReadinessConnection } from './database/priority-connections.ts';
import { createTokenExchange } from './grants/token-exchange.ts';
import { createIntrospectionEndpoint } from './introspection/introspection-endpoint.ts';
import { createSignIntrospectionResponse } from './introspection/sign-response.ts';
import { type CreatedLink, createSetupLink } from './one-time-links/one-time-links.ts';
import { createAdapterFactory } from './provider/adapter.ts';
import { findCurrentRequestId } from './provider/current-request-id.ts';
import { createProvider } from './provider/provider.ts';
import { METHODS } from './provider/routes.ts';
import {
  createTokenRequestLimits,
  TOKEN_REQUEST_QUOTAS,
  type TokenRequestQuotas,
} from './request-limits/token-request-limits.ts';
import type { ResourceServers } from './resource-servers/resource-servers.ts';
import { createRevocationEndpoint } from './revocation/revocation-endpoint.ts';
import { createRevocations, revokeLeases } from './revocation/revocations.ts';
import { createPages } from './sign-in/pages.ts';
import { findOrCreateKeyEncryptionKeys } from './signing-keys/key-encryption-key.ts';
import { createOwnTokenVerifier } from './signing-keys/own-token-verifier.ts';
import { findOrCreateServerSecrets } from './signing-keys/server-secrets.ts';
import { openSigningKeys } from './signing-keys/signing-keys.ts';
import { authenticateReader } from './status-lists/authenticate-reader.ts';
import { createLeases } from './status-lists/leases.ts';
import { measureStatusLists } from './status-lists/metrics.ts';
import { openPeers } from './status-lists/peers.ts';
import { createPropagation } from './status-lists/propagation.ts';
import { createReaders } from './status-lists/readers.ts';
import { removeInvalidReaders } from './status-lists/remove-invalid-readers.ts';
import { statusListRoutes } from './status-lists/routes.ts';
import { openStatusLists } from './status-lists/status-lists.ts';
import { createTokenStatus } from './status-lists/token-status.ts';

/** Claude Code refreshes an access token that expires in less than five minutes before each request. */
const SHORT_ACCESS_TOKEN_TTL_SECONDS = 600;

/** The authorization server. `createSetupLink` makes the link for the first account, until there is one. */
export type AuthServer = ListeningServer & { readonly createSetupLink: () => Promise<CreatedLink | undefined> };

/**
 * Starts the authorization server on `database`. Disposing it drains and closes everything except the database.
 * @param serversOfProcess how many servers share the open files of this process.
 * @param shutdown the shutdown of this process, after whose beginning the service is not ready.
 */
export async function startAuth(
  config: AuthConfig,
  database: Database,
  {
    quotas = TOKEN_REQUEST_QUOTAS,
    serversOfProcess,
    shutdown = createShutdown(),
    fetchPublic,
  }: {
    quotas?: TokenRequestQuotas;
    serversOfProcess?: number;
    shutdown?: Shutdown;
    /** Fetches client ID metadata documents. */
    fetchPublic?: FetchPublic;
  } = {},
): Promise<AuthServer> {
  const { AUTH_ISSUER: issuer, API_RESOURCE: apiResource, MCP_RESOURCE: mcpResource } = config;
  const accessTokenTtl = config.ACCESS_TOKEN_TTL;
  const adminResource = {
    resource: `${issuer}/admin`,
    authorizationServer: issuer,
    scopes: ['admin'],
    name: 'yata administration',
  };
  // the first one is the default resource of a request that names none
  const resourceServers: ResourceServers = [
    { resource: apiResource, scopes: TODO_SCOPES },
    { resource: mcpResource, scopes: TODO_SCOPES },
    { resource: adminResource.resource, scopes: ['admin'] },
  ];

  await using starting = new AsyncDisposableStack();
  const tracing = starting.use(await openTracing(config, 'yata-auth'));
  const logger = createLogger({ name: 'auth', level: config.LOG_LEVEL, fields: tracing.logFields });
  tracing.reportTo(logger);
  const findRoute = createRouteFinder(['/', ...Object.keys(METHODS), ...metadataPaths(adminResource.resource)]);
  const metrics = createMetrics({ limits: LIMITS.auth, findRoute });
  const observePool = createPoolObserver({ registry: metrics.registry, tracePool: tracing.tracePool });
  const { em } = starting.use(
    await openOrm(database, authDatabase, { migrations: config.MIGRATIONS, observe: observePool('ordinary') }),
  );
  const { em: priorityEm } = starting.use(
    await openPriorityConnections({ database, em, observe: observePool('priority') }),
  );
  const { em: readinessEm } = starting.use(
    await openReadinessConnection({ database, em, observe: observePool('readiness') }),
  );

  const keyEncryptionKeys = config.AUTH_KEY_ENCRYPTION_KEY ?? findOrCreateKeyEncryptionKeys(config.YATA_DATA_DIR);
  const keySettings = { algorithm: config.AUTH_SIGNING_ALG, keyEncryptionKeys, accessTokenTtl };
  const signingKeys = await openSigningKeys({ em: priorityEm, logger, ...keySettings });
  const secrets = await findOrCreateServerSecrets({ em, keyEncryptionKeys });

  await registerFirstClients({
    em,
    issuer,
    apiResource,
    mcpResource,
    dataDirectory: config.YATA_DATA_DIR,
    secrets: { api: config.API_CLIENT_SECRET, mcp: config.MCP_CLIENT_SECRET },
  });
  const clients = starting.use(await openClients({ database, em, priorityEm }));
  // an administrator's token request does not wait behind those of other clients
  const emFor: EmFor = (clientId) => (clients.isAdministrator(clientId) ? priorityEm : em);
  const { record } = starting.use(openAuditQueue({ em, registry: metrics.registry, logger }));
  const secretUse = createSecretUse(em);
  const mayLookUpLimited = createLimitedLookup(clients);
  const failedAuthentications = starting.use(
    openFailedAuthenticationLimiter({
      database,
      logger,
      findRequestId: findCurrentRequestId,
      observe: observePool('failed_authentications'),
    }),
  );
  const failedSignIns = starting.use(
    openFailedAuthenticationLimiter({
      ...{ database, logger, counted: PERSONS },
      findRequestId: findCurrentRequestId,
      observe: observePool('failed_sign_ins'),
    }),
  );

  const statusLists = starting.use(await openStatusLists({ database, em: priorityEm, issuer, signingKeys, logger }));
  const { isInvalid, isRevoked, commitTimes } = statusLists;
  // a list accepts new tokens during the lifetime of one token, and is deleted a minute after it has expired
  const leases = createLeases({ em, emFor, listLifetimeSeconds: accessTokenTtl, isInvalid });
  const tokenStatus = createTokenStatus({ issuer, leases, statusLists, revokeLeases });
  const connections = createConnections({ em: priorityEm, statusLists });
  const revocations = createRevocations({ em: priorityEm, statusLists, record });
  const waiting = createWaiting();
  const readers = createReaders({
    commitTimes,
    observeLag: measureStatusLists(metrics.registry, {
      ...{ statusLists, leases },
      countPropagationWaits: () => waiting.count(),
    }),
  });
  removeInvalidReaders({ clients, readers });
  const peers = starting.use(await openPeers({ database, em: priorityEm }));
  const propagation = createPropagation({ readers, peers, waiting, logger });
  const documents = createMetadataDocuments({
    em,
    clients,
    policy: config.AUTH_CLIENT_METADATA_DOCUMENTS,
    resources: [apiResource, mcpResource],
    fetchPublic: fetchPublic ?? createFetchPublic({ userAgent: `yata (+${issuer})` }),
    logger,
  });
  starting.use(
    openBackgroundTasks({
      em,
      documents,
      secretUse,
      auditRetentionDays: config.AUDIT_RETENTION_DAYS,
      keySettings,
      keyRotationDays: config.AUTH_KEY_ROTATION,
      logger,
    }),
  );

  const verifyOwnToken = createOwnTokenVerifier({ issuer, signingKeys });
  const tokenRequestLimits = createTokenRequestLimits({ logger, quotas, findRequestId: findCurrentRequestId });
  const provider = createProvider({
    issuer,
    adapter: createAdapterFactory({
      em,
      emFor,
      clients,
      connections,
      refreshTokens: {
        successorKey: secrets['refresh-tokens'],
        grace: config.REFRESH_TOKEN_GRACE,
        noteRepeatedUse: (connectionId, network) =>
          noteRepeatedUse({ em, logger }, { connectionId, network, requestId: findCurrentRequestId() }),
      },
    }),
    em,
    lifetimes: {
      refreshToken: config.REFRESH_TOKEN_TTL,
      connection: config.CONNECTION_TTL,
      session: config.SESSION_TTL,
    },
    secrets,
    findAccount: (id) => findAccount(em, id),
    documents,
    areDocumentsAccepted: config.AUTH_CLIENT_METADATA_DOCUMENTS !== 'off',
    isRegistrationOpen: config.AUTH_REGISTRATION === 'open',
    signingKeys,
    accessTokenTtl,
    resourceServers,
    tokenStatus,
    tokenRequestLimits,
    exchangeToken: createTokenExchange({
      issuer,
      resourceServers,
      keys: signingKeys,
      accessTokenTtl,
      isRevoked,
      countExchange: tokenRequestLimits.countExchange,
      shareStatus: tokenStatus.share,
    }),
    clients,
    noteSecretUse: secretUse.record,
    failedAuthentications,
    mayLookUpLimited,
    revokeToken: createRevocationEndpoint({ issuer, verify: verifyOwnToken, revocations, record }),
    introspectToken: createIntrospectionEndpoint({
      verify: verifyOwnToken,
      isRevoked,
      signResponse: createSignIntrospectionResponse({ issuer, signingKeys }),
    }),
    isTrustedProxy: config.AUTH_TRUSTED_PROXIES,
    record,
    logger,
  });

  const challenges = createChallenges(adminResource);
  const verify = createAccessTokenVerifier({ issuer, audience: adminResource.resource, keys: signingKeys, isRevoked });
  const authenticate = requireAccessToken({ verify, challenges });
  const adminRouter = adminRoutes({
    issuer,
    em: priorityEm,
    administration: createAdministration({ em: priorityEm, resourceServers, statusLists, clients }),
    revocations,
    propagation,
    verifyOwnToken,
    authenticate,
    challenges,
  });
  const userRouter = userRoutes({
    users: createUsers({ em: priorityEm, issuer, statusLists }),
    connections,
    propagation,
    authenticate,
    challenges,
  });

  const keyRouter = keyRoutes({ em: priorityEm, keySettings, statusLists, propagation, authenticate, challenges });

  const app = createAuthApp({
    provider,
    apiResource,
    adminResource,
    adminRoutes: [adminRouter, userRouter, keyRouter],
    registerClient:
      config.AUTH_REGISTRATION === 'open'
        ? createRegistration({ em, resources: [apiResource, mcpResource] })
        : undefined,
    pages: createPages({
      issuer,
      em,
      formKey: secrets.forms,
      interactions: provider.interactions,
      sessions: provider.sessions,
      clients,
      connections,
      connectionTtl: config.CONNECTION_TTL,
      statusLists,
      propagation,
      failures: failedSignIns,
      record,
      logger,
    }),
    statusListRoutes: statusListRoutes({
      statusLists,
      readers,
      authenticate: authenticateReader({
        issuer,
        clients,
        failedAuthentications,
        mayLookUpLimited,
        noteSecretUse: secretUse.record,
        record,
        logger,
      }),
      issuer,
    }),
    checks: { process: shutdown.check, database: () => readinessEm.fork().execute('select 1') },
    traceRequests: tracing.traceRequests?.(findRoute),
    metrics,
    logger,
  });
  const server = await serve(app.callback(), {
    port: config.AUTH_PORT,
    host: config.HOST,
    serversOfProcess,
    isStopping: shutdown.hasBegun,
    limits: { keepAlive: config.HTTP_KEEP_ALIVE * 1000, isTrustedProxy: config.AUTH_TRUSTED_PROXIES },
    onConnectionRejected: reportRejectedConnections({ registry: metrics.registry, logger }),
  });
  // at the same time: the server drains only when the requests that wait for status lists or for propagation end
  starting.defer(async () => {
    waiting.end();
    await Promise.all([server[Symbol.asyncDispose](), statusLists[Symbol.asyncDispose]()]);
  });
  if (accessTokenTtl < SHORT_ACCESS_TOKEN_TTL_SECONDS)
    logger.warn(
      { event: 'access_token.short_lifetime', seconds: accessTokenTtl },
      `ACCESS_TOKEN_TTL is below ${SHORT_ACCESS_TOKEN_TTL_SECONDS} seconds: some assistants then refresh before every request`,
    );
  logger.info({ event: 'server.listening', port: server.port, issuer }, 'listening');
  const started = starting.move();
  return {
    port: server.port,
    createSetupLink: () => createSetupLink(em, issuer),
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}

if (import.meta.main) {
  await runUntilSignalled(async (resources, shutdown) => {
    const config = readAuthConfig(process.env);
    const database: Database =
      config.AUTH_DATABASE_URL === undefined
        ? resources.use(await openEmbeddedDatabase(config.YATA_DATA_DIR))
        : { kind: 'postgresql', url: config.AUTH_DATABASE_URL };
    shutdown.delayFor(config.SHUTDOWN_DELAY);
    resources.use(await startAuth(config, database, { shutdown }));
  });
}
