import {
  type AdapterFactory,
  type Client,
  type ClientAuthMethod,
  errors,
  Provider,
  type ResourceServer,
} from 'oidc-provider';
import {
  ALL_SCOPES,
  allowedScopes,
  getResourceServer,
  grantScopes,
  type ResourceServers,
} from './access-tokens/resource-servers.ts';
import { type ActorClaims, registerTokenExchange } from './access-tokens/token-exchange.ts';
import { CLIENT_AUTHENTICATION_METHODS } from './clients/client.entity.ts';
import { OWN_CLIENT_METADATA } from './clients/client-metadata.ts';
import { isClientSecret } from './clients/client-secret.ts';
import { pinToIssuer, publishDocuments, refuseUnrouted } from './metadata.ts';
import type { SigningKeys } from './signing-keys/signing-keys.ts';

/** Where the endpoints are. */
const ROUTES = {
  authorization: '/oauth/authorize',
  token: '/oauth/token',
  jwks: '/oauth/jwks',
};

/**
 * Creates the authorization server: oidc-provider, with everything that yata decides about it in this file. What is not
 * offered is off, so that no endpoint answers that nobody tests.
 */
export function createAuthorizationServer({
  issuer,
  resourceServers,
  signingKeys,
  accessTokenTtl,
  adapter,
}: {
  issuer: string;
  resourceServers: ResourceServers;
  signingKeys: SigningKeys;
  /** Seconds that an access token lives. */
  accessTokenTtl: number;
  adapter: AdapterFactory;
}): Provider {
  const { active, all } = signingKeys;
  const actorClaims: ActorClaims = new WeakMap();

  const provider = new Provider(issuer, {
    adapter,
    // the provider signs with the first key that fits
    jwks: { keys: [active, ...all.filter((key) => key !== active)] },
    routes: ROUTES,

    // a scope that is not listed here is one that every client may have
    scopes: ALL_SCOPES,
    responseTypes: [],
    // the provider refuses a client whose default algorithm it has no key for
    clientDefaults: { id_token_signed_response_alg: active.alg },
    extraClientMetadata: { properties: [...OWN_CLIENT_METADATA] },

    // never client_secret_jwt: its key would be the stored hash, and whoever reads the database could sign with it
    clientAuthMethods: [...CLIENT_AUTHENTICATION_METHODS] satisfies ClientAuthMethod[],
    async assertJwtClientAuthClaimsAndHeader(_ctx, claims) {
      // a client assertion names this issuer and nobody else, so that no other server can use it here (RFC 7523 §3)
      if (claims.aud !== issuer) throw new errors.InvalidClientAuth('aud of a client assertion must be the issuer');
    },

    features: {
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: async () => resourceServers[0].resource,
        getResourceServerInfo(ctx, indicator, client) {
          const resourceServer = getResourceServer(resourceServers, indicator, client);
          // the provider reads the requested scopes after this, and would drop or ignore what it does not know
          const { params } = ctx.oidc;
          if (params !== undefined) {
            const requested = typeof params.scope === 'string' ? params.scope : undefined;
            params.scope = grantScopes(requested, allowedScopes(client, resourceServer), resourceServer.resource).join(
              ' ',
            );
          }
          return resourceServerInfo(resourceServer.resource);
        },
      },
      devInteractions: { enabled: false },
      // a bound token would be taken as a bearer token by a resource server that does not check the proof
      dPoP: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      userinfo: { enabled: false },
    },

    ttl: { ClientCredentials: accessTokenTtl, AccessToken: accessTokenTtl },
    extraTokenClaims: (_ctx, token) => actorClaims.get(token),
    renderError(ctx, out) {
      ctx.type = 'json';
      ctx.body = out;
    },
    cookies: { keys: [] },
  });

  // what is stored of a secret is its hash
  provider.Client.prototype.compareClientSecret = function compareClientSecret(this: Client, presented: string) {
    return this.clientSecret !== undefined && isClientSecret(presented, this.clientSecret);
  };
  registerTokenExchange({ provider, resourceServers, resourceServerInfo, signingKeys, accessTokenTtl, actorClaims });
  pinToIssuer(provider);
  publishDocuments(provider);
  refuseUnrouted(provider, { [ROUTES.token]: 'POST', [ROUTES.jwks]: 'GET', [ROUTES.authorization]: 'GET' });
  return provider;

  function resourceServerInfo(resource: string): ResourceServer {
    return {
      scope: ALL_SCOPES.join(' '),
      audience: resource,
      accessTokenFormat: 'jwt',
      accessTokenTTL: accessTokenTtl,
      jwt: { sign: { alg: active.alg, kid: active.kid } },
    };
  }
}
