import type { AdapterFactory, ClientAuthMethod, Configuration } from 'oidc-provider';
import { REFRESH_TOKEN } from '../../shared/oauth-client/grant-types.ts';
import type { Account } from '../accounts/account.entity.ts';
import { REGISTRATION_PATH } from '../client-registration/registration-routes.ts';
import {
  CLIENT_AUTHENTICATION_METHODS,
  TOKEN_ENDPOINT_AUTH_METHODS,
} from '../clients/client-authentication-methods.ts';
import { ALL_SCOPES, type ResourceServers } from '../resource-servers/resource-servers.ts';
import type { SigningKeys } from '../signing-keys/signing-keys.ts';
import { STATUS_LISTS_PATH } from '../status-lists/list-uri.ts';
import {
  ASSERTION_CLOCK_TOLERANCE_SECONDS,
  CLIENT_ASSERTION_ALGORITHMS,
  createClientAssertionCheck,
} from './client-assertions.ts';
import { OWN_CLIENT_METADATA } from './client-metadata.ts';
import { cookieNames } from './cookie-names.ts';
import { renderError } from './error-pages.ts';
import { createInteractionSettings, INTERACTION_TTL_SECONDS } from './interaction-settings.ts';
import { ProviderSigningKey } from './provider-signing-key.ts';
import { createRotation } from './refresh-token-rotation.ts';
import { createResourceIndicators, type DescribeResourceServer } from './resource-indicators.ts';
import { ROUTES } from './routes.ts';
import type { StatusClaim } from './status-claim.ts';
import { findExchangedTokenClaims } from './token-exchange-grant.ts';

/**
 * Creates the configuration of oidc-provider. Features that auth does not offer are disabled, so that no untested endpoint
 * answers.
 */
export function createConfiguration({
  issuer,
  adapter,
  signingKeys,
  accessTokenTtl,
  resourceServers,
  describeResourceServer,
  statusClaim,
  cookieKey,
  findAccount,
  lifetimes,
  isRegistrationOpen,
  areDocumentsAccepted,
}: {
  issuer: string;
  adapter: AdapterFactory;
  signingKeys: SigningKeys;
  /** Seconds for which an access token is valid. */
  accessTokenTtl: number;
  resourceServers: ResourceServers;
  describeResourceServer: DescribeResourceServer;
  statusClaim: StatusClaim;
  cookieKey: Buffer;
  findAccount: (id: string) => Promise<Account | undefined>;
  /** In seconds: of a refresh token that is not used, of a connection, and of a session. */
  lifetimes: { readonly refreshToken: number; readonly connection: number; readonly session: number };
  /** Whether clients may register themselves. */
  isRegistrationOpen: boolean;
  /** Whether a client id may be the URL of a metadata document. */
  areDocumentsAccepted: boolean;
}): Configuration {
  const names = cookieNames(issuer);
  const { alg } = signingKeys.active();
  return {
    adapter,
    // one key, which is whichever key signs at the time
    jwks: { keys: [new ProviderSigningKey(signingKeys)] },
    routes: ROUTES,

    // oidc-provider grants every client each scope that is not in this list
    scopes: ALL_SCOPES,
    responseTypes: ['code'],
    pkce: { required: () => true },
    ...createInteractionSettings({ findAccount }),
    // by grant type, never by the scope offline_access, which no host has to know
    issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed(REFRESH_TOKEN),
    rotateRefreshToken: createRotation({ resourceServers, statusClaim, accessTokenTtl }),
    // an assistant stays connected when the person signs out
    expiresWithSession: async () => false,
    // oidc-provider rejects a client whose default algorithm has no key. Nothing is signed with these algorithms.
    clientDefaults: { id_token_signed_response_alg: alg, introspection_signed_response_alg: alg },
    // members that oidc-provider does not add to the metadata by itself
    discovery: {
      status_list_aggregation_endpoint: `${issuer}${STATUS_LISTS_PATH}`,
      ...(isRegistrationOpen && { registration_endpoint: `${issuer}${REGISTRATION_PATH}` }),
      // auth fetches the documents itself: oidc-provider would do so for token requests too
      ...(areDocumentsAccepted && { client_id_metadata_document_supported: true }),
      revocation_endpoint_auth_methods_supported: TOKEN_ENDPOINT_AUTH_METHODS,
      introspection_endpoint_auth_methods_supported: CLIENT_AUTHENTICATION_METHODS,
      // RFC 8414 §2 requires them beside the method private_key_jwt, and some libraries throw without them
      revocation_endpoint_auth_signing_alg_values_supported: CLIENT_ASSERTION_ALGORITHMS,
      introspection_endpoint_auth_signing_alg_values_supported: CLIENT_ASSERTION_ALGORITHMS,
    },
    extraClientMetadata: { properties: [...OWN_CLIENT_METADATA] },

    // never client_secret_jwt: its key would be the stored hash, so a person who reads the database could sign with it
    clientAuthMethods: [...TOKEN_ENDPOINT_AUTH_METHODS] satisfies ClientAuthMethod[],
    assertJwtClientAuthClaimsAndHeader: createClientAssertionCheck(issuer),
    clockTolerance: ASSERTION_CLOCK_TOLERANCE_SECONDS,
    enabledJWA: { clientAuthSigningAlgValues: [...CLIENT_ASSERTION_ALGORITHMS] },

    features: {
      clientCredentials: { enabled: true },
      revocation: { enabled: true, allowedPolicy: async (_ctx, client, token) => token.clientId === client.clientId },
      // of access tokens that are JWTs; a refresh token means nothing to anyone but its client
      introspection: { enabled: true, allowedPolicy: async () => false },
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

    ttl: {
      ClientCredentials: accessTokenTtl,
      AccessToken: accessTokenTtl,
      AuthorizationCode: AUTHORIZATION_CODE_TTL_SECONDS,
      Interaction: INTERACTION_TTL_SECONDS,
      Session: lifetimes.session,
      Grant: lifetimes.connection,
      // never longer than its connection
      RefreshToken: (ctx) => Math.max(1, Math.min(lifetimes.refreshToken, secondsUntil(ctx.oidc.entities.Grant?.exp))),
    },
    extraTokenClaims: findExchangedTokenClaims,
    formats: { customizers: { jwt: statusClaim.addStatusClaim } },
    renderError,
    // a client in a browser has no secret, and sends no cookie
    clientBasedCORS: (_ctx, _origin, client) => client.clientAuthMethod === 'none',
    cookies: {
      keys: [cookieKey],
      names,
      long: { signed: true, httpOnly: true, sameSite: 'lax', overwrite: true, path: '/' },
      short: { signed: true, httpOnly: true, sameSite: 'lax', overwrite: true },
    },
  };
}

/** Seconds for which an authorization code is valid (RFC 6749 §4.1.2: at most ten minutes). */
const AUTHORIZATION_CODE_TTL_SECONDS = 60;

function secondsUntil(time: number | undefined): number {
  return time === undefined ? Number.POSITIVE_INFINITY : time - Math.floor(Date.now() / 1000);
}
