import * as oauth from 'oauth4webapi';
import { CLIENT_CREDENTIALS } from '../../shared/oauth-client/grant-types.ts';
import {
  AccessTokenRejectedError,
  createTokenRequest,
  TooManyTokenRequestsError,
} from '../../shared/oauth-client/token-request.ts';
import { AuthorizationServerUnavailableError } from '../../shared/resource-server/issuer.ts';
import type { ClientCredentials } from '../client-credentials.ts';
import { sanitize } from '../sanitize.ts';
import type { AuthorizationServer } from './authorization-server.ts';
import { BrokenLinkError, type Finding, SkippedLinkError } from './chain.ts';
import { type Clock, readClock } from './clocks.ts';

/** An access token that is not verified yet, the clock of the token endpoint, and the times around the request. */
export type IssuedToken = {
  readonly value: string;
  readonly clock: Clock | undefined;
  readonly sentAt: number;
  readonly receivedAt: number;
};

/** Requests an access token for `resource` with the client credentials grant (RFC 6749 §4.4, RFC 8707). */
export async function requestAccessToken(
  resource: string,
  { issuer, tokenEndpoint, authenticationMethods }: AuthorizationServer,
  {
    credentials,
    fetch,
    now,
  }: { credentials: ClientCredentials | undefined; fetch: typeof globalThis.fetch; now: () => number },
): Promise<Finding<IssuedToken>> {
  if (credentials === undefined)
    throw new SkippedLinkError(
      'not checked: there are no client credentials in the environment',
      'Set OAUTH_CLIENT_ID and OAUTH_CLIENT_SECRET (or OAUTH_CLIENT_SECRET_FILE) to check the remaining links.',
    );
  const { OAUTH_CLIENT_ID, OAUTH_CLIENT_SECRET, OAUTH_TOKEN_URL } = credentials;
  if (OAUTH_TOKEN_URL !== undefined && OAUTH_TOKEN_URL !== tokenEndpoint)
    throw new BrokenLinkError(
      `the token endpoint is ${sanitize(tokenEndpoint)}, but OAUTH_TOKEN_URL is another URL; the secret was not sent`,
      'If you trust this authorization server with the secret, unset OAUTH_TOKEN_URL. Otherwise correct the metadata.',
    );
  if (!authenticationMethods.includes('client_secret_basic'))
    throw new SkippedLinkError(
      `not checked: the authorization server does not support client_secret_basic, only ${sanitize(authenticationMethods.join(', '))}`,
      'The doctor supports no other client authentication method.',
    );
  let response: Response | undefined;
  const request = createTokenRequest({
    authorizationServer: async () => ({ issuer, token_endpoint: tokenEndpoint }),
    clientId: OAUTH_CLIENT_ID,
    clientSecret: OAUTH_CLIENT_SECRET,
    now,
    async fetch(input, init) {
      response = await fetch(input, init);
      return response;
    },
  });
  const sentAt = now();
  const { value } = await request(CLIENT_CREDENTIALS, { resource }).catch((error) => {
    throw toBrokenLink(error);
  });
  const receivedAt = now();
  const clock = response && readClock('the authorization server', { headers: response.headers, sentAt, receivedAt });
  return {
    value: { value, clock, sentAt, receivedAt },
    detail: `${sanitize(tokenEndpoint)} issued an access token for ${sanitize(resource)}`,
  };
}

/** The remedy for each error code of RFC 6749 §5.2 and RFC 8707 §2. Other texts of the server are not shown: they may contain the secret. */
const REMEDIES: Readonly<Record<string, string>> = {
  invalid_client:
    'Correct OAUTH_CLIENT_ID and OAUTH_CLIENT_SECRET. If they are correct, the client may be disabled or its secret replaced: see yata clients show ID and yata clients rotate-secret ID.',
  invalid_target: 'Allow the client to request access tokens for this resource: yata clients create … --resource URL.',
  invalid_scope: 'Give the client a scope of this resource: yata clients set-scope ID todos:read todos:write.',
  unauthorized_client: 'Allow the client to use the grant client_credentials.',
  unsupported_grant_type: 'The authorization server must support the grant client_credentials.',
  access_denied: 'Look at the log of the authorization server for the reason.',
  invalid_request: 'Look at the log of the authorization server for the parameter that is missing or invalid.',
};

function toBrokenLink(error: unknown): unknown {
  if (error instanceof AccessTokenRejectedError) {
    const remedy = REMEDIES[error.error];
    return new BrokenLinkError(
      remedy === undefined
        ? 'the token endpoint rejects the request with an unknown error code'
        : `the token endpoint rejects the request: ${error.error}`,
      remedy ?? 'Look at the log of the authorization server for the reason.',
    );
  }
  if (error instanceof TooManyTokenRequestsError)
    return new BrokenLinkError(
      'the token endpoint answers 429 (too many requests)',
      `Wait ${error.retryAfter} seconds, then try again. Failed authentications with a wrong secret count too.`,
    );
  if (!(error instanceof AuthorizationServerUnavailableError)) return error;
  const { cause } = error;
  if (cause instanceof BrokenLinkError) return cause;
  const status = findStatus(cause);
  return new BrokenLinkError(
    `the response of the token endpoint is not a token response${status === undefined ? '' : ` (status ${status})`}`,
    'It must be JSON with access_token and token_type Bearer (RFC 6749 §5.1). Look at the log of the authorization server.',
  );
}

function findStatus(error: unknown): number | undefined {
  return error instanceof oauth.ResponseBodyError || error instanceof oauth.WWWAuthenticateChallengeError
    ? error.status
    : undefined;
}
