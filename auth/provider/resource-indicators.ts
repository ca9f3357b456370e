import type { Client, KoaContextWithOIDC, ResourceServer } from 'oidc-provider';
import {
  ALL_SCOPES,
  allowedScopes,
  getRequestedResourceServer,
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
    // called for a request without `resource`
    defaultResource: throwProviderErrors(
      async (ctx: KoaContextWithOIDC, client: Client) =>
        getRequestedResourceServer(resourceServers, { audience: findAudience(ctx) }, client).resource,
    ),
    getResourceServerInfo: throwProviderErrors(getResourceServerInfo),
  };

  function getResourceServerInfo(ctx: KoaContextWithOIDC, indicator: string, client: Client): ResourceServer {
    const requested = { resource: indicator, audience: findAudience(ctx) };
    const resourceServer = getRequestedResourceServer(resourceServers, requested, client);
    // oidc-provider reads the requested scopes after this call. It would drop an unknown scope silently, and issue a
    // token without any scope to a client that requests none.
    const { params } = ctx.oidc;
    if (params !== undefined) {
      const scope = typeof params.scope === 'string' ? params.scope : undefined;
      const granted = grantScopes(scope, allowedScopes(client, resourceServer), resourceServer.resource);
      params.scope = granted.join(' ');
    }
    return describeResourceServer(resourceServer.resource);
  }
}

/** The parameter `audience`, which oidc-provider does not know at the client credentials grant. */
function findAudience({ oidc }: KoaContextWithOIDC): string | string[] | undefined {
  const { audience } = Object(oidc.body);
  // an empty parameter counts as absent (RFC 6749 §3.2)
  return audience === '' ? undefined : audience;
}
