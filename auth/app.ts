import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { createLocalJWKSet } from 'jose';
import Koa, { type Middleware } from 'koa';
import compose from 'koa-compose';
import { errors } from 'oidc-provider';
import type { Logger } from 'pino';
import { isDatabaseUnavailable } from '../shared/database/database-unavailable.ts';
import { handleErrors, renderProblem } from '../shared/http/handle-errors.ts';
import { healthRoutes } from '../shared/http/health.ts';
import { createMetrics } from '../shared/http/metrics.ts';
import { identifyRequest } from '../shared/http/request-id.ts';
import { verifyAccessTokenClaims } from '../shared/oauth/access-token-claims.ts';
import { createAccessTokenVerifier } from '../shared/oauth/access-token-verifier.ts';
import { createChallenges } from '../shared/oauth/challenges.ts';
import { type ProtectedResource, protectedResourceMetadataRoutes } from '../shared/oauth/protected-resource.ts';
import { requireAccessToken } from '../shared/oauth/require-access-token.ts';
import { TODO_SCOPES } from '../shared/scopes.ts';
import type { ResourceServers } from './access-tokens/resource-servers.ts';
import { answerAboutTokens } from './access-tokens/structured-tokens.ts';
import { createAdministration } from './admin/administration.ts';
import { adminRoutes } from './admin/routes.ts';
import { createAuditRecord } from './audit/audit.ts';
import { auditProviderEvents } from './audit/provider-events.ts';
import { createAuthorizationServer, ROUTES } from './authorization-server.ts';
import type { FailedAuthenticationLimiter } from './client-authentication/failed-authentication-limiter.ts';
import { createGuardAgainstGuessing } from './client-authentication/guard-against-guessing.ts';
import type { Clients } from './clients/clients.ts';
import type { SecretUse } from './clients/secret-use.ts';
import { createAdapterFactory } from './database/adapter.ts';
import { createIntrospectionEndpoint } from './introspection/introspection-endpoint.ts';
import { createRevocationEndpoint } from './revocations/revocation-endpoint.ts';
import { createRevocations, revokeLeases } from './revocations/revocations.ts';
import { publicKeySet, type SigningKeys } from './signing-keys/signing-keys.ts';
import { createLeases, HolderGone } from './status-lists/leases.ts';
import { listUri, STATUS_LISTS_PATH } from './status-lists/list-uri.ts';
import { measureStatusLists } from './status-lists/metrics.ts';
import { createReaders } from './status-lists/readers.ts';
import { statusListRoutes } from './status-lists/routes.ts';
import type { StatusLists } from './status-lists/status-lists.ts';

/** Creates the authorization server's app: oidc-provider, which is a Koa, with yata's own endpoints in front of it. */
export function createAuthApp({
  issuer,
  apiResource,
  mcpResource,
  signingKeys,
  accessTokenTtl,
  em,
  clients,
  secretUse,
  failedAuthentications,
  statusLists,
  logger,
}: {
  issuer: string;
  apiResource: string;
  mcpResource: string;
  signingKeys: SigningKeys;
  accessTokenTtl: number;
  em: SqlEntityManager;
  clients: Clients;
  secretUse: SecretUse;
  failedAuthentications: FailedAuthenticationLimiter;
  statusLists: StatusLists;
  logger: Logger;
}): Koa {
  const resourceServers: ResourceServers = [
    { resource: apiResource, scopes: TODO_SCOPES },
    { resource: mcpResource, scopes: TODO_SCOPES },
    { resource: `${issuer}/admin`, scopes: ['admin'] },
  ];
  const { isRevoked, isInvalid, committedBetween } = statusLists;
  // a list takes new tokens for as long as one of them lives, and is gone when the last of them is
  const leases = createLeases({ em, listLifetime: accessTokenTtl, isInvalid });
  const guessing = createGuardAgainstGuessing(failedAuthentications);
  const provider = createAuthorizationServer({
    issuer,
    resourceServers,
    signingKeys,
    accessTokenTtl,
    takeStatus,
    isRevoked,
    noteSecretUse: secretUse.note,
    adapter: createAdapterFactory({ em, clients: { find: guessing.guard(clients.find) } }),
  });
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
  const readers = createReaders({ committedBetween, observeLag });
  const findKey = createLocalJWKSet(publicKeySet(signingKeys));
  const verify = (token: string) => verifyAccessTokenClaims(token, { issuer, findKey });
  const revocations = createRevocations({ em, statusLists });

  provider.use(identifyRequest);
  provider.use(metrics.middleware);
  const checks = { database: () => em.fork().execute('select 1') };
  provider.use(below('/health', (app) => app.use(healthRoutes({ checks, logger }).routes())));
  provider.use(below(STATUS_LISTS_PATH, (app) => app.use(statusListRoutes({ statusLists, readers, issuer }).routes())));
  guessing.observe(provider, ROUTES.token);
  answerAboutTokens(provider, {
    revocation: createRevocationEndpoint({ issuer, verify, revocations }),
    introspection: createIntrospectionEndpoint({ provider, verify, isRevoked }),
    tokenPath: ROUTES.token,
    logger,
  });

  const admin: ProtectedResource = {
    resource: `${issuer}/admin`,
    authorizationServer: issuer,
    scopes: ['admin'],
    name: 'yata administration',
  };
  const challenges = createChallenges(admin);
  const keys = { find: findKey, generation: () => 0 };
  const verifyAdmin = createAccessTokenVerifier({ issuer, audience: admin.resource, keys, isRevoked });
  provider.use(
    below('/.well-known/oauth-protected-resource', (app) => app.use(protectedResourceMetadataRoutes(admin).routes())),
  );
  const routes = adminRoutes({
    issuer,
    em,
    administration: createAdministration({ em, resourceServers, statusLists }),
    revocations,
    readers,
    verifyOwnToken: verify,
    authenticate: requireAccessToken({ verify: verifyAdmin, challenges }),
    challenges,
    record,
  });
  provider.use(
    below('/admin', (app) =>
      app
        .use(handleErrors({ logger, render: renderProblem }))
        .use(routes.routes())
        .use(routes.allowedMethods()),
    ),
  );
  return provider;

  async function takeStatus(clientId: string, expiresAt: number) {
    try {
      const alone = (await clients.find(clientId))?.oneTokenAtATime ?? false;
      const cause = { actor: clientId, reason: 'replaced by a newer access token' };
      const { list, index } = alone
        ? await leases.takeAlone(clientId, expiresAt, async (transaction) => {
            await revokeLeases(transaction, clientId, cause);
          })
        : await leases.take(clientId, expiresAt);
      if (alone) await statusLists.catchUp();
      return { idx: index, uri: listUri(issuer, list) };
    } catch (error) {
      if (error instanceof HolderGone) throw new errors.InvalidClientAuth(error.message);
      throw error;
    }
  }
}

/** Spares the token endpoint the routers of everything else. */
function below(path: string, build: (app: Koa) => unknown): Middleware {
  const app = new Koa();
  build(app);
  const all = compose(app.middleware);
  return (ctx, next) => (ctx.path.startsWith(path) ? all(ctx, next) : next());
}
