import type Provider from 'oidc-provider';
import { type Client, errors, type KoaContextWithOIDC, type ResourceServer } from 'oidc-provider';
import { AUTHORIZATION_CODE, REFRESH_TOKEN } from '../../shared/oauth-client/grant-types.ts';
import {
  ALL_SCOPES,
  allowedScopes,
  getRequestedResourceServer,
  grantScopes,
  normalizeResource,
  offeredScopes,
  type ResourceServers,
} from '../resource-servers/resource-servers.ts';
import type { SigningKeys } from '../signing-keys/signing-keys.ts';
import { throwProviderErrors } from './oauth-errors.ts';

/** Describes a resource server to oidc-provider: the audience, lifetime and signature of its access tokens. */
export type DescribeResourceServer = (resource: string) => ResourceServer;

/** Creates the description of resource servers. `accessTokenTtl` is in seconds. */
export function createResourceServerDescription({
  accessTokenTtl,
  signingKeys,
}: {
  accessTokenTtl: number;
  signingKeys: Pick<SigningKeys, 'active'>;
}): DescribeResourceServer {
  // oidc-provider reads these when it signs: another key than at the beginning of the request may sign then
  const sign = {
    get alg() {
      return signingKeys.active().alg;
    },
  };
  return (resource) => ({
    scope: ALL_SCOPES.join(' '),
    audience: resource,
    // without a format, oidc-provider issues an opaque access token, which it stores
    accessTokenFormat: 'jwt',
    accessTokenTTL: accessTokenTtl,
    jwt: { sign },
  });
}

/** Creates the setting `features.resourceIndicators` (RFC 8707), which also decides the granted scopes. */
export function createResourceIndicators(
  resourceServers: ResourceServers,
  describeResourceServer: DescribeResourceServer,
) {
  return {
    enabled: true,
    // called for a request without `resource`, and at the token endpoint for a grant with several
    defaultResource: throwProviderErrors(
      async (ctx: KoaContextWithOIDC, client: Client) =>
        getRequestedResourceServer(resourceServers, { audience: findAudience(ctx) }, client).resource,
    ),
    // an access token is for the resource that the person allowed, also when the token request names none
    useGrantedResource: async () => true,
    getResourceServerInfo: throwProviderErrors(getResourceServerInfo),
  };

  function getResourceServerInfo(ctx: KoaContextWithOIDC, indicator: string, client: Client): ResourceServer {
    const requested = { resource: indicator, audience: findAudience(ctx) };
    const resourceServer = getRequestedResourceServer(resourceServers, requested, client);
    // oidc-provider reads the requested scopes after this call. It would drop an unknown scope silently, and issue a
    // token without any scope to a client that requests none.
    const { params, route } = ctx.oidc;
    if (params === undefined) return describeResourceServer(resourceServer.resource);
    const scope = typeof params.scope === 'string' ? params.scope : undefined;
    const allowed = allowedScopes(client, resourceServer);
    if (route === 'authorization' || route === 'resume') {
      if (Array.isArray(params.resource)) throw new errors.InvalidTarget('resource: expected one resource');
      params.scope = offeredScopes(scope, allowed, resourceServer.resource).join(' ');
    } else if (!GRANTS_OF_PERSONS.has(String(params.grant_type))) {
      params.scope = grantScopes(scope, allowed, resourceServer.resource).join(' ');
    }
    // an administrator may have taken scopes from the client since the person allowed them
    return { ...describeResourceServer(resourceServer.resource), scope: allowed.join(' ') };
  }
}

/** The grants whose scopes a person has allowed before. A token request can only ask for fewer. */
const GRANTS_OF_PERSONS: ReadonlySet<string> = new Set([AUTHORIZATION_CODE, REFRESH_TOKEN]);

/**
 * Lets a client name its resource in another spelling at the token endpoint than at the authorization endpoint. oidc-provider
 * compares the text. Each model keeps the resource as the client wrote it.
 */
export function applyResourceSpellings(provider: Provider): void {
  const { AuthorizationCode, RefreshToken, Grant } = provider;
  for (const { prototype } of [AuthorizationCode, RefreshToken])
    Object.defineProperty(prototype, 'resourceIndicators', {
      get(this: { readonly resource?: string | string[] }) {
        return new SpellingSet([this.resource ?? []].flat().map(normalizeResource));
      },
    });
  const getScope = Grant.prototype.getResourceScopeFiltered;
  Grant.prototype.getResourceScopeFiltered = function getResourceScopeOfSpelling(resource: string, filter) {
    return getScope.call(this, normalizeResource(resource), filter);
  };
}

/** A set of normalized resource identifiers, which also has their other spellings. */
class SpellingSet extends Set<string> {
  override has(resource: string): boolean {
    return super.has(normalizeResource(resource));
  }
}

/** The parameter `audience`, which oidc-provider does not know at the client credentials grant. */
export function findAudience({ oidc }: KoaContextWithOIDC): string | string[] | undefined {
  const { audience } = Object(oidc.body);
  // an empty parameter counts as absent (RFC 6749 §3.2)
  return audience === '' ? undefined : audience;
}
