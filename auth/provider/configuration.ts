import type { AdapterFactory, ClientAuthMethod, Configuration } from 'oidc-provider';
import { CLIENT_AUTHENTICATION_METHODS } from '../clients/client-authentication-methods.ts';
import type { TokenRequestLimits } from '../grants/token-request-limits.ts';
import { ALL_SCOPES, type ResourceServers } from '../resource-servers/resource-servers.ts';
import type { SigningKeys } from '../signing-keys/signing-keys.ts';
import { STATUS_LISTS_PATH } from '../status-lists/list-uri.ts';
import type { TokenStatus } from '../status-lists/token-status.ts';
import {
  ASSERTION_CLOCK_TOLERANCE_SECONDS,
  CLIENT_ASSERTION_ALGORITHMS,
  createClientAssertionCheck,
} from './client-assertions.ts';
import { OWN_CLIENT_METADATA } from './client-metadata.ts';
import { renderErrorAsJson } from './error-rendering.ts';
import { createProviderSigningKey } from './provider-signing-key.ts';
import { createResourceIndicators, type DescribeResourceServer } from './resource-indicators.ts';
import { ROUTES } from './routes.ts';
import { createStatusClaim } from './status-claim.ts';
import { findExchangedTokenClaims } from './token-exchange-grant.ts';

/** Creates the configuration of oidc-provider. Features that auth does not offer are disabled, so that no untested endpoint answers. */
export function createConfiguration({
  issuer,
  adapter,
  signingKeys: { active, all },
  accessTokenTtl,
  resourceServers,
  describeResourceServer,
  tokenStatus,
  countToken,
}: {
  issuer: string;
  adapter: AdapterFactory;
  signingKeys: SigningKeys;
  /** Seconds for which an access token is valid. */
  accessTokenTtl: number;
  resourceServers: ResourceServers;
  describeResourceServer: DescribeResourceServer;
  tokenStatus: TokenStatus;
  countToken: TokenRequestLimits['countToken'];
}): Configuration {
  return {
    adapter,
    // oidc-provider signs with the first key that has the right algorithm
    jwks: { keys: [active, ...all.filter((key) => key !== active)].map(createProviderSigningKey) },
    routes: ROUTES,

    // oidc-provider grants every client each scope that is not in this list
    scopes: ALL_SCOPES,
    responseTypes: [],
    // oidc-provider rejects a client whose default algorithm has no key
    clientDefaults: { id_token_signed_response_alg: active.alg, introspection_signed_response_alg: active.alg },
    // members that oidc-provider does not add to the metadata by itself
    discovery: {
      status_list_aggregation_endpoint: `${issuer}${STATUS_LISTS_PATH}`,
      revocation_endpoint_auth_methods_supported: CLIENT_AUTHENTICATION_METHODS,
      introspection_endpoint_auth_methods_supported: CLIENT_AUTHENTICATION_METHODS,
      // RFC 8414 §2 requires them beside the method private_key_jwt, and some libraries throw without them
      revocation_endpoint_auth_signing_alg_values_supported: CLIENT_ASSERTION_ALGORITHMS,
      introspection_endpoint_auth_signing_alg_values_supported: CLIENT_ASSERTION_ALGORITHMS,
    },
    extraClientMetadata: { properties: [...OWN_CLIENT_METADATA] },

    // never client_secret_jwt: its key would be the stored hash, so a person who reads the database could sign with it
    clientAuthMethods: [...CLIENT_AUTHENTICATION_METHODS] satisfies ClientAuthMethod[],
    assertJwtClientAuthClaimsAndHeader: createClientAssertionCheck(issuer),
    clockTolerance: ASSERTION_CLOCK_TOLERANCE_SECONDS,
    enabledJWA: { clientAuthSigningAlgValues: [...CLIENT_ASSERTION_ALGORITHMS] },

    features: {
      clientCredentials: { enabled: true },
      revocation: { enabled: true },
      introspection: { enabled: true },
      jwtIntrospection: { enabled: true },
      resourceIndicators: createResourceIndicators(resourceServers, describeResourceServer),
      devInteractions: { enabled: false },
      // a resource server that does not check the proof would accept a bound token as a bearer token
      dPoP: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      userinfo: { enabled: false },
      // needed for the class ExternalSigningKey, which any version may change: oidc-provider is pinned to one version
      externalSigningSupport: { enabled: true, ack: 'experimental-01' },
    },

    ttl: { ClientCredentials: accessTokenTtl, AccessToken: accessTokenTtl },
    extraTokenClaims: findExchangedTokenClaims,
    formats: { customizers: { jwt: createStatusClaim(tokenStatus, countToken) } },
    renderError: renderErrorAsJson,
    // no client runs in a browser
    clientBasedCORS: () => false,
    // no page sets a cookie
    cookies: { keys: [] },
  };
}
