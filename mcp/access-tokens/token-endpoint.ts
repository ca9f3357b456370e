import * as oauth from 'oauth4webapi';
import {
  AccessTokenRejectedError,
  AuthorizationServerUnavailableError,
  type IssuedAccessToken,
} from './access-token-source.ts';

/** Asks a token endpoint for an access token (RFC 6749 §3.2). */
export type RequestAccessToken = (
  grantType: string,
  parameters: Record<string, string>,
  headers?: Record<string, string>,
) => Promise<IssuedAccessToken>;

/** Milliseconds that the token endpoint has to answer. */
const TIMEOUT = 5_000;

/**
 * Creates the way to the token endpoint for one client, which authenticates with its secret (RFC 6749 §2.3.1).
 * It throws `AccessTokenRejectedError` with the server's error code, and `AuthorizationServerUnavailableError`.
 */
export function createTokenRequest({
  authorizationServer,
  clientId,
  clientSecret,
  fetch,
  now = Date.now,
  timeout = TIMEOUT,
}: {
  authorizationServer: () => Promise<oauth.AuthorizationServer>;
  clientId: string;
  clientSecret: string;
  fetch: typeof globalThis.fetch;
  now?: () => number;
  timeout?: number;
}): RequestAccessToken {
  const client = { client_id: clientId };
  const authentication = oauth.ClientSecretBasic(clientSecret);

  return async function requestAccessToken(grantType, parameters, headers = {}) {
    const issuedAt = now();
    try {
      const server = await authorizationServer();
      const response = await oauth.genericTokenEndpointRequest(server, client, authentication, grantType, parameters, {
        [oauth.customFetch]: fetch,
        headers,
        signal: AbortSignal.timeout(timeout),
        // which addresses may be http is decided where the environment is read
        [oauth.allowInsecureRequests]: true,
      });
      const { access_token, expires_in, scope } = await oauth.processGenericTokenEndpointResponse(
        server,
        client,
        response,
      );
      // a token that says nothing of its end is used once (RFC 6749 §5.1 only recommends expires_in)
      return {
        value: access_token,
        issuedAt,
        expiresAt: issuedAt + (expires_in ?? 0) * 1000,
        scopes: scope === undefined ? undefined : new Set(scope.split(' ')),
      };
    } catch (error) {
      // 429: it was asked too often, which says nothing of this client
      if (error instanceof oauth.ResponseBodyError && error.status < 500 && error.status !== 429)
        throw new AccessTokenRejectedError(error.error, error);
      if (error instanceof oauth.WWWAuthenticateChallengeError)
        throw new AccessTokenRejectedError('invalid_client', error);
      throw new AuthorizationServerUnavailableError(error);
    }
  };
}
