import { LRUCache } from 'lru-cache';
import type { AccessToken } from '../../shared/oauth/access-token-verifier.ts';
import type { AccessTokenSource, IssuedAccessToken } from './access-token-source.ts';
import type { RequestAccessToken } from './token-endpoint.ts';

/** The grant type and the token type of RFC 8693 §2.1, §3. */
const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:access_token';

/** The source of the access token with which a caller's request goes on to the todo API. */
export type ExchangeAccessToken = (callersToken: AccessToken) => AccessTokenSource;

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
  const exchanged = new LRUCache<string, Promise<IssuedAccessToken>>({ max: REMEMBER });

  return function exchangeAccessToken(callersToken) {
    const { jti } = callersToken;
    return {
      async get() {
        const { value } = await (exchanged.get(jti) ?? exchange(callersToken));
        return value;
      },
      refused: () => exchanged.delete(jti),
    };
  };

  function exchange({ jti, value, expiresAt }: AccessToken): Promise<IssuedAccessToken> {
    const exchanging = requestAccessToken(TOKEN_EXCHANGE, {
      subject_token: value,
      subject_token_type: ACCESS_TOKEN_TYPE,
      resource,
    });
    exchanged.set(jti, exchanging, { ttl: Math.max(1, expiresAt * 1000 - Date.now()) });
    exchanging.catch(() => {
      if (exchanged.peek(jti) === exchanging) exchanged.delete(jti);
    });
    return exchanging;
  }
}
