import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type Koa from 'koa';
import type { Logger } from 'pino';
import { healthRoutes } from '../shared/http/health.ts';
import { createMetrics } from '../shared/http/metrics.ts';
import { TODO_SCOPES } from '../shared/scopes.ts';
import type { ResourceServers } from './access-tokens/resource-servers.ts';
import { createAuthorizationServer } from './authorization-server.ts';
import type { Clients } from './clients/clients.ts';
import { createAdapterFactory } from './database/adapter.ts';
import type { SigningKeys } from './signing-keys/signing-keys.ts';

/** Creates the authorization server's app: oidc-provider, which is a Koa, with health and metrics in front of it. */
export function createAuthApp({
  issuer,
  apiResource,
  mcpResource,
  signingKeys,
  accessTokenTtl,
  em,
  clients,
  logger,
}: {
  issuer: string;
  apiResource: string;
  mcpResource: string;
  signingKeys: SigningKeys;
  accessTokenTtl: number;
  em: SqlEntityManager;
  clients: Clients;
  logger: Logger;
}): Koa {
  const resourceServers: ResourceServers = [
    { resource: apiResource, scopes: TODO_SCOPES },
    { resource: mcpResource, scopes: TODO_SCOPES },
    { resource: `${issuer}/admin`, scopes: ['admin'] },
  ];
  const provider = createAuthorizationServer({
    issuer,
    resourceServers,
    signingKeys,
    accessTokenTtl,
    adapter: createAdapterFactory({ em, clients }),
  });
  provider.on('server_error', (ctx, err) => logger.error({ err, path: ctx.path }, 'a request could not be answered'));
  provider.use(createMetrics().middleware);
  provider.use(healthRoutes({ checks: { database: () => em.fork().execute('select 1') }, logger }).routes());
  return provider;
}
