import { LRUCache } from 'lru-cache';
import { REQUEST_ID } from '../../shared/http/request-id.ts';
import { ACCESS_TOKEN_TYPE, TOKEN_EXCHANGE } from '../../shared/oauth-client/grant-types.ts';
import type { IssuedAccessToken, RequestAccessToken } from '../../shared/oauth-client/token-request.ts';
import type { AccessToken } from '../../shared/resource-server/access-token-verifier.ts';
import type { AccessTokenSource } from './access-token-source.ts';

/** The source of the access token with which a caller's request goes on to the todo API. */
export type ExchangeAccessToken = (callersToken: AccessToken, requestId: string) => AccessTokenSource;

/** Callers whose exchanged token is kept at the most. */
const REMEMBER = 10_000;

/**
 * Creates the exchange of a caller's access token, which is for this server alone and goes nowhere else, for one that is
 * for `resource` (RFC 8693). The exchanged token is kept as long as the caller's lives; calls that come while it is
 * fetched share the one request.
 */
export function createTokenExchange({
  requestAccessToken,
  resource,
}: {
  requestAccessToken: RequestAccessToken;
  resource: string;
}): ExchangeAccessToken {
  const exchanged = new LRUCache<string, Exchange>({ max: REMEMBER });

  return function exchangeAccessToken(callersToken, requestId) {
    const { jti } = callersToken;
    return {
      async get() {
        const { issued } = exchanged.get(jti) ?? exchange(callersToken, requestId);
        return (await issued).value;
      },
      reject(accessToken) {
        // a late answer to an older one leaves the one that took its place
        if (exchanged.peek(jti)?.value === accessToken) exchanged.delete(jti);
      },
    };
  };

  function exchange({ jti, value, expiresAt }: AccessToken, requestId: string): Exchange {
    const parameters = { subject_token: value, subject_token_type: ACCESS_TOKEN_TYPE, resource };
    const issued = requestAccessToken(TOKEN_EXCHANGE, parameters, { [REQUEST_ID]: requestId });
    const exchanging: Exchange = { issued };
    exchanged.set(jti, exchanging, { ttl: Math.max(1, expiresAt * 1000 - Date.now()) });
    issued.then(
      (accessToken) => {
        exchanging.value = accessToken.value;
      },
      () => {
        if (exchanged.peek(jti) === exchanging) exchanged.delete(jti);
      },
    );
    return exchanging;
  }
}

/** An exchange, and the access token that it brought once it did. */
type Exchange = { readonly issued: Promise<IssuedAccessToken>; value?: string };
