import type { Client, KoaContextWithOIDC, ResourceServer } from 'oidc-provider';
import {
  ALL_SCOPES,
  allowedScopes,
  getResourceServer,
  grantScopes,
  type ResourceServers,
} from '../resource-servers/resource-servers.ts';
import type { SigningKey } from '../signing-keys/signing-keys.ts';
import { throwProviderErrors } from './oauth-errors.ts';

/** Describes a resource server to oidc-provider: the audience, lifetime and signature of its access tokens. */
export type DescribeResourceServer = (resource: string) => ResourceServer;

/** Creates the description of resource servers. `accessTokenTtl` is in seconds. */
export function createResourceServerDescription({
  accessTokenTtl,
  signingKey: { alg, kid },
}: {
  accessTokenTtl: number;
  signingKey: Pick<SigningKey, 'alg' | 'kid'>;
}): DescribeResourceServer {
  return (resource) => ({
    scope: ALL_SCOPES.join(' '),
    audience: resource,
    // without a format, oidc-provider issues an opaque access token, which it stores
    accessTokenFormat: 'jwt',
    accessTokenTTL: accessTokenTtl,
    jwt: { sign: { alg, kid } },
  });
}

/** Creates the setting `features.resourceIndicators` (RFC 8707), which also decides the granted scopes. */
export function createResourceIndicators(
  resourceServers: ResourceServers,
  describeResourceServer: DescribeResourceServer,
) {
  return {
    enabled: true,
    defaultResource: async () => resourceServers[0].resource,
    getResourceServerInfo: throwProviderErrors(getResourceServerInfo),
  };

  function getResourceServerInfo(ctx: KoaContextWithOIDC, indicator: string, client: Client): ResourceServer {
    const resourceServer = getResourceServer(resourceServers, indicator, client);
    // oidc-provider reads the requested scopes after this call. It would drop an unknown scope silently, and issue a
    // token without any scope to a client that requests none.
    const { params } = ctx.oidc;
    if (params !== undefined) {
      const requested = typeof params.scope === 'string' ? params.scope : undefined;
      const granted = grantScopes(requested, allowedScopes(client, resourceServer), resourceServer.resource);
      params.scope = granted.join(' ');
    }
    return describeResourceServer(resourceServer.resource);
  }
}
