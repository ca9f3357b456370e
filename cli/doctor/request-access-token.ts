import * as oauth from 'oauth4webapi';
import { AccessTokenRejectedError, createTokenRequest } from '../../shared/oauth-client/token-request.ts';
import { AuthorizationServerUnavailableError } from '../../shared/resource-server/issuer.ts';
import type { AuthorizationServer } from './authorization-server.ts';
import { BrokenLinkError, type Finding, LinkNotTriedError } from './chain.ts';
import { type Clock, readClock } from './clocks.ts';
import { sanitize } from './sanitize.ts';

/** The client that the doctor is. `tokenUrl` is where its secret may go alone, where that is known. */
export type Credentials = {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly tokenUrl: string | undefined;
};

/** An access token as it came, the clock of whoever sent it, and the times around the request. */
export type IssuedToken = {
  readonly value: string;
  readonly clock: Clock | undefined;
  readonly askedAt: number;
  readonly answeredAt: number;
};

/** Gets an access token for `resource` by client credentials (RFC 6749 §4.4, RFC 8707). */
export async function requestToken(
  resource: string,
  { issuer, tokenEndpoint, authenticationMethods }: AuthorizationServer,
  {
    credentials,
    fetch,
    now,
  }: { credentials: Credentials | undefined; fetch: typeof globalThis.fetch; now: () => number },
): Promise<Finding<IssuedToken>> {
  if (credentials === undefined)
    throw new LinkNotTriedError(
      'no credentials',
      'Put OAUTH_CLIENT_ID and OAUTH_CLIENT_SECRET (or OAUTH_CLIENT_SECRET_FILE) into the environment to try the rest.',
    );
  const { clientId, clientSecret, tokenUrl } = credentials;
  if (tokenUrl !== undefined && tokenUrl !== tokenEndpoint)
    throw new BrokenLinkError(
      `the token endpoint is ${sanitize(tokenEndpoint)}, and OAUTH_TOKEN_URL another: the secret was not sent`,
      'Unset OAUTH_TOKEN_URL if this authorization server may have the secret; else correct the metadata.',
    );
  if (!authenticationMethods.includes('client_secret_basic'))
    throw new LinkNotTriedError(
      `the authorization server takes no client_secret_basic, only ${sanitize(authenticationMethods.join(', '))}`,
      'The doctor authenticates with client_secret_basic alone.',
    );
  let response: Response | undefined;
  const requestAccessToken = createTokenRequest({
    authorizationServer: async () => ({ issuer, token_endpoint: tokenEndpoint }),
    clientId,
    clientSecret,
    now,
    async fetch(input, init) {
      response = await fetch(input, init);
      return response;
    },
  });
  const askedAt = now();
  const { value } = await requestAccessToken('client_credentials', { resource }).catch((error) => {
    throw explain(error);
  });
  const answeredAt = now();
  const clock = response && readClock('the authorization server', { headers: response.headers, askedAt, answeredAt });
  return {
    found: { value, clock, askedAt, answeredAt },
    detail: `${sanitize(tokenEndpoint)} issued one for ${sanitize(resource)}`,
  };
}

/** What each error of RFC 6749 §5.2 and RFC 8707 §2 asks for. Any other text of the server might repeat the secret. */
const REMEDIES: Readonly<Record<string, string>> = {
  invalid_client:
    'Correct OAUTH_CLIENT_ID and OAUTH_CLIENT_SECRET. The client may be disabled, or its secret replaced: yata clients show ID, yata clients rotate-secret ID.',
  invalid_target: 'Let the client have access tokens for this resource: yata clients create … --resource URL.',
  invalid_scope: 'Let the client have a scope of this resource: yata clients set-scope ID "todos:read todos:write".',
  unauthorized_client: 'Let the client use the grant client_credentials.',
  unsupported_grant_type: 'Let the authorization server offer the grant client_credentials.',
  access_denied: 'Look at the log of the authorization server for why it denies this client.',
  invalid_request: 'Look at the log of the authorization server for what it misses.',
};

function explain(error: unknown): unknown {
  if (error instanceof AccessTokenRejectedError) {
    const remedy = REMEDIES[error.error];
    return new BrokenLinkError(
      `the token endpoint refuses: ${remedy === undefined ? 'an error of its own' : error.error}`,
      remedy ?? 'Look at the log of the authorization server.',
    );
  }
  if (!(error instanceof AuthorizationServerUnavailableError)) return error;
  const { cause } = error;
  if (cause instanceof BrokenLinkError) return cause;
  if (cause instanceof oauth.ResponseBodyError && cause.status === 429)
    return new BrokenLinkError(
      'the token endpoint answers 429: too often',
      'Wait a minute. A wrong secret closes the door.',
    );
  const status = cause instanceof oauth.ResponseBodyError ? ` (${cause.status})` : '';
  return new BrokenLinkError(
    `the token endpoint does not answer as one${status}`,
    'It has to answer with JSON: access_token and token_type Bearer (RFC 6749 §5.1). Look at the log of the authorization server.',
  );
}
