import type { SqlEntityManager } from '@mikro-orm/postgresql';
import Koa, { type Middleware } from 'koa';
import compose from 'koa-compose';
import { type Client, errors } from 'oidc-provider';
import type { Logger } from 'pino';
import { isDatabaseUnavailable } from '../shared/database/database-unavailable.ts';
import { handleErrors, renderProblem } from '../shared/http/handle-errors.ts';
import { healthRoutes } from '../shared/http/health.ts';
import { logFailures } from '../shared/http/log-failures.ts';
import { createMetrics } from '../shared/http/metrics.ts';
import type { Waiting } from '../shared/http/prefer-wait.ts';
import { identifyRequest } from '../shared/http/request-id.ts';
import { serviceIndex } from '../shared/http/service-index.ts';
import { type IsTrustedProxy, trustProxies } from '../shared/http/trusted-proxies.ts';
import { verifyAccessTokenClaims } from '../shared/resource-server/access-token-claims.ts';
import { createAccessTokenVerifier } from '../shared/resource-server/access-token-verifier.ts';
import { createChallenges } from '../shared/resource-server/challenge.ts';
import { requireAccessToken, serveProtectedResourceMetadata } from '../shared/resource-server/koa.ts';
import type { ProtectedResource } from '../shared/resource-server/protected-resource-metadata.ts';
import { TODO_SCOPES } from '../shared/scopes.ts';
import { createAdministration } from './admin/administration.ts';
import { adminRoutes } from './admin/routes.ts';
import { createAuditRecord } from './audit/audit.ts';
import type { FailedAuthenticationLimiter } from './client-authentication/failed-authentication-limiter.ts';
import type { Clients } from './clients/clients.ts';
import type { SecretUse } from './clients/secret-use.ts';
import { createIntrospectionEndpoint } from './introspection/introspection-endpoint.ts';
import { createAdapterFactory } from './provider/adapter.ts';
import { auditProviderEvents } from './provider/audit-events.ts';
import { createClientAuthenticationRateLimit } from './provider/client-authentication-rate-limit.ts';
import { cacheBuiltClients } from './provider/client-cache.ts';
import { publishDocuments, refuseUnrouted } from './provider/metadata.ts';
import { createProvider, METHODS, ROUTES } from './provider/provider.ts';
import { handleStructuredAccessTokens } from './provider/structured-access-tokens.ts';
import type { ResourceServers } from './resource-servers/resource-servers.ts';
import { createRevocationEndpoint } from './revocation/revocation-endpoint.ts';
import { createRevocations, revokeLeases } from './revocation/revocations.ts';
import type { PublicKeys } from './signing-keys/public-keys.ts';
import type { SigningKeys } from './signing-keys/signing-keys.ts';
import { createLeases, LeaseHolderNotFoundError } from './status-lists/leases.ts';
import { STATUS_LISTS_PATH } from './status-lists/list-uri.ts';
import { measureStatusLists } from './status-lists/metrics.ts';
import type { Peers } from './status-lists/peers.ts';
import { createPropagation } from './status-lists/propagation.ts';
import { createReaders } from './status-lists/readers.ts';
import { statusListRoutes } from './status-lists/routes.ts';
import type { StatusLists } from './status-lists/status-lists.ts';
import { createTokenStatus } from './status-lists/token-status.ts';

/** Creates the authorization server's app: oidc-provider, which is a Koa, with yata's own endpoints in front of it. */
export function createAuthApp({
  issuer,
  apiResource,
  mcpResource,
  signingKeys,
  publicKeys,
  accessTokenTtl,
  em,
  clients,
  secretUse,
  failedAuthentications,
  statusLists,
  peers,
  waiting,
  isTrustedProxy,
  logger,
}: {
  issuer: string;
  apiResource: string;
  mcpResource: string;
  signingKeys: SigningKeys;
  publicKeys: PublicKeys;
  accessTokenTtl: number;
  em: SqlEntityManager;
  clients: Clients;
  secretUse: SecretUse;
  failedAuthentications: FailedAuthenticationLimiter;
  statusLists: StatusLists;
  peers: Peers;
  /** Where administrators wait for a revocation to be confirmed. */
  waiting: Waiting;
  /** Absent: no proxy is believed. */
  isTrustedProxy: IsTrustedProxy | undefined;
  logger: Logger;
}): Koa {
  const resourceServers: ResourceServers = [
    { resource: apiResource, scopes: TODO_SCOPES },
    { resource: mcpResource, scopes: TODO_SCOPES },
    { resource: `${issuer}/admin`, scopes: ['admin'] },
  ];
  const { isRevoked, isInvalid, commitTimes } = statusLists;
  // a list takes new tokens for as long as one of them lives, and is gone when the last of them is
  const leases = createLeases({ em, listLifetimeSeconds: accessTokenTtl, isInvalid });
  const tokenStatus = createTokenStatus({ issuer, leases, statusLists, revokeLeases });
  const guessing = createClientAuthenticationRateLimit(failedAuthentications);
  const provider = createProvider({
    issuer,
    resourceServers,
    signingKeys,
    findKey: publicKeys.find,
    accessTokenTtl,
    takeStatus: assignStatus,
    shareStatus: (clientId, status) => tokenStatus.share(clientId, status).catch(rejectClient),
    isRevoked,
    noteSecretUse: secretUse.note,
    adapter: createAdapterFactory({ em, clients }),
  });
  if (isTrustedProxy !== undefined) trustProxies(provider, isTrustedProxy);
  cacheBuiltClients(provider, { find: guessing.guard(clients.find) });
  const koa: Koa = provider;
  koa.on('error', logFailures(logger));
  provider.on('server_error', (ctx, err) => {
    logger.error({ err, path: ctx.path }, 'a request could not be answered');
    if (!isDatabaseUnavailable(err)) return;
    // the event comes after the answer was written, and may still change it
    ctx.status = 503;
    ctx.set('retry-after', '1');
    ctx.body = { error: 'temporarily_unavailable', error_description: 'the database is out of reach' };
  });
  const record = createAuditRecord({ em, logger });
  auditProviderEvents({ provider, claimedClientId: guessing.claimedClientId, record, logger });

  const metrics = createMetrics();
  const observeLag = measureStatusLists(metrics.registry, { statusLists, leases });
  const readers = createReaders({ commitTimes, observeLag });
  const propagation = createPropagation({ readers, peers, waiting, logger });
  const verify = (token: string) => verifyAccessTokenClaims(token, { issuer, findKey: publicKeys.find });
  const revocations = createRevocations({ em, statusLists });

  const admin: ProtectedResource = {
    resource: `${issuer}/admin`,
    authorizationServer: issuer,
    scopes: ['admin'],
    name: 'yata administration',
  };
  const challenges = createChallenges(admin);
  const keys = { find: publicKeys.find, generation: () => 0 };
  const verifyAdmin = createAccessTokenVerifier({ issuer, audience: admin.resource, keys, isRevoked });
  const routes = adminRoutes({
    issuer,
    em,
    administration: createAdministration({ em, resourceServers, statusLists, clients }),
    revocations,
    propagation,
    verifyOwnToken: verify,
    authenticate: requireAccessToken({ verify: verifyAdmin, challenges }),
    challenges,
  });
  const checks = { database: () => em.fork().execute('select 1') };
  const elsewhere = compose([
    publishDocuments(publicKeys),
    refuseUnrouted(METHODS),
    serviceIndex({
      name: 'yata authorization server',
      description:
        'This server issues and revokes the access tokens of the todo API and the MCP server. OAuth clients find its endpoints in its metadata.',
      links: [
        { href: new URL('/docs', apiResource).href, title: 'Documentation of the todo API' },
        { href: `${issuer}/.well-known/oauth-authorization-server`, title: 'Authorization server metadata (RFC 8414)' },
        { href: `${issuer}/health/ready`, title: 'Health: whether this server is ready' },
      ],
    }),
    below('/health', (app) => app.use(healthRoutes({ checks, logger }).routes())),
    below(STATUS_LISTS_PATH, (app) =>
      app
        .use(handleErrors({ logger, render: renderProblem }))
        .use(statusListRoutes({ statusLists, readers, issuer }).routes()),
    ),
    serveProtectedResourceMetadata(admin),
    below('/admin', (app) =>
      app
        .use(handleErrors({ logger, render: renderProblem }))
        .use(routes.routes())
        .use(routes.allowedMethods()),
    ),
    guessing.observe(provider),
    handleStructuredAccessTokens(provider, {
      revocation: createRevocationEndpoint({ issuer, verify, revocations }),
      introspection: createIntrospectionEndpoint({ provider, verify, isRevoked }),
      logger,
    }),
  ]);
  provider.use(identifyRequest);
  provider.use(metrics.middleware);
  // what most requests ask for goes to the provider at once
  provider.use((ctx, next) => (ctx.path === ROUTES.token && ctx.method === 'POST' ? next() : elsewhere(ctx, next)));
  return provider;

  function assignStatus({ clientId, one_token_at_a_time: exclusive }: Client, expiresAt: number) {
    const status = exclusive
      ? tokenStatus.assignExclusively(clientId, expiresAt)
      : tokenStatus.assign(clientId, expiresAt);
    return status instanceof Promise ? status.catch(rejectClient) : status;
  }
}

function rejectClient(error: unknown): never {
  if (error instanceof LeaseHolderNotFoundError) throw new errors.InvalidClientAuth(error.message);
  throw error;
}

/** Asks an app for what is below a path alone. */
function below(path: string, build: (app: Koa) => unknown): Middleware {
  const app = new Koa();
  build(app);
  const all = compose(app.middleware);
  return (ctx, next) => (ctx.path.startsWith(path) ? all(ctx, next) : next());
}
