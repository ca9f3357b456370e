import { LRUCache } from 'lru-cache';
import { REQUEST_ID } from '../../shared/http/request-id.ts';
import { ACCESS_TOKEN_TYPE, TOKEN_EXCHANGE } from '../../shared/oauth-client/grant-types.ts';
import type { IssuedAccessToken, RequestAccessToken } from '../../shared/oauth-client/token-request.ts';
import type { AccessToken } from '../../shared/resource-server/access-token-verifier.ts';
import type { AccessTokenSource } from './access-token-source.ts';

/** Creates the source of the access tokens with which the todo API is called for one caller. */
export type ExchangeAccessToken = (callerAccessToken: AccessToken, requestId: string) => AccessTokenSource;

/** The most callers whose exchanged access token is cached. */
const MAX_CACHED_CALLERS = 10_000;

/**
 * Creates the token exchange (RFC 8693), for Streamable HTTP. The access token of a caller is for this server alone, so it
 * is exchanged for one whose audience is `resource`. The exchanged access token is cached until the caller's expires.
 * Calls that wait for the same exchange share one request.
 */
export function createTokenExchange({
  requestAccessToken,
  resource,
}: {
  requestAccessToken: RequestAccessToken;
  resource: string;
}): ExchangeAccessToken {
  const exchanges = new LRUCache<string, Exchange>({ max: MAX_CACHED_CALLERS });

  return function exchangeAccessToken(callerAccessToken, requestId) {
    const { jti } = callerAccessToken;
    return {
      async get() {
        const { issued } = exchanges.get(jti) ?? startExchange(callerAccessToken, requestId);
        return (await issued).value;
      },
      reject(accessToken) {
        // a late rejection of an older access token must not remove the current one
        if (exchanges.peek(jti)?.value === accessToken) exchanges.delete(jti);
      },
    };
  };

  function startExchange({ jti, value, expiresAt }: AccessToken, requestId: string): Exchange {
    const parameters = { subject_token: value, subject_token_type: ACCESS_TOKEN_TYPE, resource };
    const issued = requestAccessToken(TOKEN_EXCHANGE, parameters, { [REQUEST_ID]: requestId });
    const exchange: Exchange = { issued };
    exchanges.set(jti, exchange, { ttl: Math.max(1, expiresAt * 1000 - Date.now()) });
    issued.then(
      (accessToken) => {
        exchange.value = accessToken.value;
      },
      () => {
        // a failed exchange is repeated by the next call
        if (exchanges.peek(jti) === exchange) exchanges.delete(jti);
      },
    );
    return exchange;
  }
}

/** An exchange, and its access token when it has succeeded. */
type Exchange = { readonly issued: Promise<IssuedAccessToken>; value?: string };
