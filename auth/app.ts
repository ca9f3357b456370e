import type { SqlEntityManager } from '@mikro-orm/postgresql';
import Koa, { type Middleware } from 'koa';
import compose from 'koa-compose';
import type { Logger } from 'pino';
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
import { createTokenExchange } from './grants/token-exchange.ts';
import { createIntrospectionEndpoint } from './introspection/introspection-endpoint.ts';
import { createAdapterFactory } from './provider/adapter.ts';
import { createProvider } from './provider/provider.ts';
import { rejectUnroutedRequests } from './provider/reject-unrouted-requests.ts';
import { ROUTES } from './provider/routes.ts';
import type { ResourceServers } from './resource-servers/resource-servers.ts';
import { createRevocationEndpoint } from './revocation/revocation-endpoint.ts';
import { createRevocations, revokeLeases } from './revocation/revocations.ts';
import type { PublicKeys } from './signing-keys/public-keys.ts';
import type { SigningKeys } from './signing-keys/signing-keys.ts';
import { createLeases } from './status-lists/leases.ts';
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
  const verify = (token: string) => verifyAccessTokenClaims(token, { issuer, findKey: publicKeys.find });
  const revocations = createRevocations({ em, statusLists });
  const { provider, middleware } = createProvider({
    issuer,
    adapter: createAdapterFactory({ em, clients }),
    signingKeys,
    publicKeys,
    accessTokenTtl,
    resourceServers,
    tokenStatus,
    exchangeToken: createTokenExchange({
      issuer,
      resourceServers,
      findKey: publicKeys.find,
      accessTokenTtl,
      isRevoked,
      shareStatus: tokenStatus.share,
    }),
    clients,
    noteSecretUse: secretUse.note,
    failedAuthentications,
    revokeToken: createRevocationEndpoint({ issuer, verify, revocations }),
    introspectToken: createIntrospectionEndpoint({ verify, isRevoked }),
    record: createAuditRecord({ em, logger }),
    logger,
  });
  if (isTrustedProxy !== undefined) trustProxies(provider, isTrustedProxy);
  const koa: Koa = provider;
  koa.on('error', logFailures(logger));

  const metrics = createMetrics();
  const observeLag = measureStatusLists(metrics.registry, { statusLists, leases });
  const readers = createReaders({ commitTimes, observeLag });
  const propagation = createPropagation({ readers, peers, waiting, logger });

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
    rejectUnroutedRequests,
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
    middleware,
  ]);
  provider.use(identifyRequest);
  provider.use(metrics.middleware);
  // what most requests ask for goes to the provider at once
  provider.use((ctx, next) => (ctx.path === ROUTES.token && ctx.method === 'POST' ? next() : elsewhere(ctx, next)));
  return provider;
}

/** Asks an app for what is below a path alone. */
function below(path: string, build: (app: Koa) => unknown): Middleware {
  const app = new Koa();
  build(app);
  const all = compose(app.middleware);
  return (ctx, next) => (ctx.path.startsWith(path) ? all(ctx, next) : next());
}
