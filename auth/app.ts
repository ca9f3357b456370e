import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { createLocalJWKSet } from 'jose';
import type Koa from 'koa';
import { errors } from 'oidc-provider';
import type { Logger } from 'pino';
import { Histogram } from 'prom-client';
import { healthRoutes } from '../shared/http/health.ts';
import { createMetrics } from '../shared/http/metrics.ts';
import { verifyAccessTokenClaims } from '../shared/oauth/access-token-claims.ts';
import { TODO_SCOPES } from '../shared/scopes.ts';
import type { ResourceServers } from './access-tokens/resource-servers.ts';
import { answerAboutTokens } from './access-tokens/structured-tokens.ts';
import { createAuthorizationServer } from './authorization-server.ts';
import type { Clients } from './clients/clients.ts';
import { createAdapterFactory } from './database/adapter.ts';
import { createIntrospectionEndpoint } from './introspection/introspection-endpoint.ts';
import { createRevocationEndpoint } from './revocations/revocation-endpoint.ts';
import { createRevocations } from './revocations/revocations.ts';
import { publicKeySet, type SigningKeys } from './signing-keys/signing-keys.ts';
import { createLeases, HolderGone } from './status-lists/leases.ts';
import { listUri } from './status-lists/list-uri.ts';
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
  const provider = createAuthorizationServer({
    issuer,
    resourceServers,
    signingKeys,
    accessTokenTtl,
    takeStatus,
    isRevoked,
    adapter: createAdapterFactory({ em, clients }),
  });
  provider.on('server_error', (ctx, err) => logger.error({ err, path: ctx.path }, 'a request could not be answered'));

  const metrics = createMetrics();
  const lag = new Histogram({
    name: 'revocation_lag_seconds',
    help: 'From the commit of a revocation to its acknowledgement by a reader of the status lists',
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5, 30],
    registers: [metrics.registry],
  });
  const readers = createReaders({ committedBetween, observeLag: (seconds) => lag.observe(seconds) });
  const findKey = createLocalJWKSet(publicKeySet(signingKeys));
  const verify = (token: string) => verifyAccessTokenClaims(token, { issuer, findKey });
  const revocations = createRevocations({ em, statusLists });

  provider.use(metrics.middleware);
  provider.use(healthRoutes({ checks: { database: () => em.fork().execute('select 1') }, logger }).routes());
  provider.use(statusListRoutes({ statusLists, readers, issuer }).routes());
  answerAboutTokens(provider, {
    revocation: createRevocationEndpoint({ issuer, verify, revocations }),
    introspection: createIntrospectionEndpoint({ provider, verify, isRevoked }),
    logger,
  });
  return provider;

  async function takeStatus(clientId: string, expiresAt: number) {
    try {
      const { list, index } = await leases.take(clientId, expiresAt);
      return { idx: index, uri: listUri(issuer, list) };
    } catch (error) {
      if (error instanceof HolderGone) throw new errors.InvalidClientAuth(error.message);
      throw error;
    }
  }
}
