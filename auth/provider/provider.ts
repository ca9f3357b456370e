import type { JWTVerifyGetKey } from 'jose';
import {
  type AdapterFactory,
  type Client,
  type ClientAuthMethod,
  errors,
  Provider,
  type ResourceServer,
} from 'oidc-provider';
import { CLOCK_TOLERANCE_SECONDS } from '../../shared/resource-server/access-token-claims.ts';
import type { IsRevoked } from '../../shared/resource-server/access-token-verifier.ts';
import type { StatusReference } from '../../shared/resource-server/status-list.ts';
import { CLIENT_AUTHENTICATION_METHODS } from '../clients/client.entity.ts';
import { derivedClaims, registerTokenExchange } from '../grants/token-exchange.ts';
import {
  ALL_SCOPES,
  allowedScopes,
  getResourceServer,
  grantScopes,
  type ResourceServers,
} from '../resource-servers/resource-servers.ts';
import type { SigningKeys } from '../signing-keys/signing-keys.ts';
import { STATUS_LISTS_PATH } from '../status-lists/list-uri.ts';
import { findPresentedSecret, OWN_CLIENT_METADATA } from './client-metadata.ts';
import { pinToIssuer } from './metadata.ts';
import { createProviderSigningKey } from './provider-signing-key.ts';

/** Seconds that a client assertion may live. */
const LONGEST_ASSERTION = 3_600;

/** Where the endpoints are. */
export const ROUTES = {
  authorization: '/oauth/authorize',
  token: '/oauth/token',
  jwks: '/oauth/jwks',
  revocation: '/oauth/revoke',
  introspection: '/oauth/introspect',
};

/** The method of each endpoint. */
export const METHODS = {
  [ROUTES.authorization]: 'GET',
  [ROUTES.token]: 'POST',
  [ROUTES.jwks]: 'GET',
  [ROUTES.revocation]: 'POST',
  [ROUTES.introspection]: 'POST',
};

/**
 * Creates the authorization server: oidc-provider, with everything that yata decides about it in this file. What is not
 * offered is off, so that no endpoint answers that nobody tests.
 */
export function createProvider({
  issuer,
  resourceServers,
  signingKeys,
  findKey,
  accessTokenTtl,
  takeStatus,
  shareStatus,
  isRevoked,
  noteSecretUse,
  adapter,
}: {
  issuer: string;
  resourceServers: ResourceServers;
  signingKeys: SigningKeys;
  findKey: JWTVerifyGetKey;
  /** Seconds that an access token lives. */
  accessTokenTtl: number;
  /** The place in a status list of a token of a client that expires at a time, in seconds. */
  takeStatus: (client: Client, expiresAt: number) => StatusReference | Promise<StatusReference>;
  /** Notes that a token of a client has the status of the token from which it was exchanged. */
  shareStatus: (clientId: string, status: StatusReference) => Promise<void>;
  isRevoked: IsRevoked;
  /** Is told the hash of each secret that a client proved to have. */
  noteSecretUse: (hash: string) => void;
  adapter: AdapterFactory;
}): Provider {
  const { active, all } = signingKeys;

  const provider = new Provider(issuer, {
    adapter,
    // the provider signs with the first key that fits
    jwks: { keys: [active, ...all.filter((key) => key !== active)].map(createProviderSigningKey) },
    routes: ROUTES,

    // a scope that is not listed here is one that every client may have
    scopes: ALL_SCOPES,
    responseTypes: [],
    // the provider refuses a client whose default algorithm it has no key for
    clientDefaults: { id_token_signed_response_alg: active.alg, introspection_signed_response_alg: active.alg },
    discovery: {
      status_list_aggregation_endpoint: `${issuer}${STATUS_LISTS_PATH}`,
      revocation_endpoint_auth_methods_supported: CLIENT_AUTHENTICATION_METHODS,
      introspection_endpoint_auth_methods_supported: CLIENT_AUTHENTICATION_METHODS,
    },
    extraClientMetadata: { properties: [...OWN_CLIENT_METADATA] },

    // never client_secret_jwt: its key would be the stored hash, and whoever reads the database could sign with it
    clientAuthMethods: [...CLIENT_AUTHENTICATION_METHODS] satisfies ClientAuthMethod[],
    async assertJwtClientAuthClaimsAndHeader(_ctx, claims) {
      // a client assertion names this issuer and nobody else, so that no other server can use it here (RFC 7523 §3)
      if (claims.aud !== issuer) throw new errors.InvalidClientAuth('aud of a client assertion must be the issuer');
      // its jti is remembered until it expires, so that must be soon
      const now = Math.floor(Date.now() / 1000);
      if (Number(claims.exp) > now + LONGEST_ASSERTION)
        throw new errors.InvalidClientAuth('a client assertion must expire within an hour');
      if (Number(claims.iat ?? now) > now + CLOCK_TOLERANCE_SECONDS)
        throw new errors.InvalidClientAuth('a client assertion must not be issued in the future');
    },

    features: {
      clientCredentials: { enabled: true },
      revocation: { enabled: true },
      introspection: { enabled: true },
      jwtIntrospection: { enabled: true },
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
      // what signs is a class of the provider's whose form may change with any version of it, so that is pinned
      externalSigningSupport: { enabled: true, ack: 'experimental-01' },
    },

    ttl: { ClientCredentials: accessTokenTtl, AccessToken: accessTokenTtl },
    extraTokenClaims: derivedClaims,
    formats: {
      customizers: {
        async jwt(_ctx, { client }, { payload }) {
          if (client === undefined) throw new Error('an access token is issued to a client');
          payload.status ??= { status_list: await takeStatus(client, Number(payload.exp)) };
        },
      },
    },
    renderError(ctx, out) {
      ctx.type = 'json';
      ctx.body = out;
    },
    cookies: { keys: [] },
  });

  // what is stored of a secret is its hash
  provider.Client.prototype.compareClientSecret = function compareClientSecret(this: Client, presented: string) {
    const hash = findPresentedSecret(this, presented);
    if (hash !== undefined) noteSecretUse(hash);
    return hash !== undefined;
  };
  registerTokenExchange({
    provider,
    resourceServers,
    resourceServerInfo,
    findKey,
    accessTokenTtl,
    isRevoked,
    shareStatus,
  });
  // Koa would write every connection that a client resets to stderr; what is a fault of ours is logged by whoever hears
  // `server_error` and `error`
  provider.silent = true;
  pinToIssuer(provider);
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
