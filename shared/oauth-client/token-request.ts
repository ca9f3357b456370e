import * as oauth from 'oauth4webapi';
import { AuthorizationServerUnavailableError } from '../resource-server/issuer.ts';

/**
 * Requests an access token at the token endpoint (RFC 6749 §3.2).
 * @throws {AccessTokenRejectedError} when the authorization server rejects the request.
 * @throws {TooManyTokenRequestsError} when it limits the requests of this client.
 * @throws {AuthorizationServerUnavailableError} when it cannot be reached or fails.
 */
export type RequestAccessToken = (
  grantType: string,
  parameters: Record<string, string>,
  headers?: Record<string, string>,
) => Promise<IssuedAccessToken>;

/** An access token with the times at which it was issued and expires, in milliseconds since the epoch. */
export type IssuedAccessToken = {
  readonly value: string;
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** The granted scopes; undefined when the authorization server does not return them. */
  readonly scopes: ReadonlySet<string> | undefined;
};

/** How long the token endpoint may take to answer. */
const REQUEST_TIMEOUT_MS = 5_000;

/** Creates the token request of one client, which authenticates with its secret by HTTP Basic (RFC 6749 §2.3.1). */
export function createTokenRequest({
  authorizationServer,
  clientId,
  clientSecret,
  fetch,
  now = Date.now,
  timeout = REQUEST_TIMEOUT_MS,
}: {
  authorizationServer: () => Promise<oauth.AuthorizationServer>;
  clientId: string;
  clientSecret: string;
  fetch: typeof globalThis.fetch;
  now?: () => number;
  /** Milliseconds. */
  timeout?: number;
}): RequestAccessToken {
  const client = { client_id: clientId };
  const authentication = oauth.ClientSecretBasic(clientSecret);

  return async function requestAccessToken(grantType, parameters, headers = {}) {
    const issuedAt = now();
    let response: Response | undefined;
    let address: string | undefined;
    try {
      const server = await authorizationServer();
      address = server.token_endpoint;
      response = await oauth.genericTokenEndpointRequest(server, client, authentication, grantType, parameters, {
        [oauth.customFetch]: fetch,
        headers,
        signal: AbortSignal.timeout(timeout),
        // whether an address may be http is decided where the configuration is read
        [oauth.allowInsecureRequests]: true,
      });
      const { access_token, expires_in, scope } = await oauth.processGenericTokenEndpointResponse(
        server,
        client,
        response,
      );
      return {
        value: access_token,
        issuedAt,
        // without expires_in, which RFC 6749 §5.1 only recommends, the access token is used once
        expiresAt: issuedAt + (expires_in ?? 0) * 1000,
        scopes: scope === undefined ? undefined : new Set(scope.split(' ')),
      };
    } catch (error) {
      throw toTokenRequestError(error, { response, address });
    }
  };
}

function toTokenRequestError(
  error: unknown,
  { response, address }: { response: Response | undefined; address: string | undefined },
): Error {
  const retryAfter = parseRetryAfter(response?.headers.get('retry-after'));
  // a limit: the response says nothing about the credentials and the request
  if (response?.status === 429)
    return new TooManyTokenRequestsError({
      description: error instanceof oauth.ResponseBodyError ? error.error_description : undefined,
      retryAfter,
      cause: error,
    });
  if (error instanceof oauth.ResponseBodyError && error.status < 500)
    return new AccessTokenRejectedError(error.error, { description: error.error_description, cause: error });
  if (error instanceof oauth.WWWAuthenticateChallengeError)
    return new AccessTokenRejectedError('invalid_client', { cause: error });
  if (error instanceof AuthorizationServerUnavailableError) return error;
  return new AuthorizationServerUnavailableError('The authorization server cannot be reached', {
    cause: error,
    retryAfter,
    address,
  });
}

/** The seconds in a Retry-After header (RFC 9110 §10.2.3); undefined without them, or when it has a date. */
function parseRetryAfter(header: string | null | undefined): number | undefined {
  return header != null && /^[1-9]\d{0,5}$/.test(header) ? Number(header) : undefined;
}

/** The authorization server issues no access token to this client, or not for this subject token. */
export class AccessTokenRejectedError extends Error {
  override readonly name = 'AccessTokenRejectedError';
  /** The error code of RFC 6749 §5.2, or `invalid_token` when a resource server rejected the access token. */
  readonly error: string;
  /** The `error_description`, written by the authorization server for a developer. */
  readonly description: string | undefined;

  constructor(error: string, { description, cause }: { description?: string | undefined; cause?: unknown } = {}) {
    super(`The authorization server issued no access token: ${error}`, { cause });
    this.error = error;
    this.description = description;
  }
}

/** Seconds to wait when the authorization server does not say how long. */
const DEFAULT_RETRY_AFTER_SECONDS = 60;

/** The authorization server issued no access token, because it limits the requests of this client (429). */
export class TooManyTokenRequestsError extends Error {
  override readonly name = 'TooManyTokenRequestsError';
  /** The `error_description`, written by the authorization server for a developer. */
  readonly description: string | undefined;
  /** Seconds after which the client should try again. */
  readonly retryAfter: number;

  constructor({
    description,
    retryAfter = DEFAULT_RETRY_AFTER_SECONDS,
    cause,
  }: { description?: string | undefined; retryAfter?: number | undefined; cause?: unknown } = {}) {
    super('The authorization server limits the requests of this client', { cause });
    this.description = description;
    this.retryAfter = retryAfter;
  }
}
