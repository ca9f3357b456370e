import { AccessTokenRejectedError, TooManyTokenRequestsError } from '../../shared/oauth-client/token-request.ts';
import type { AccessTokenSource } from './access-token-source.ts';

/** The error codes with which auth or the API rejects the access token of the caller, and not the client of this server. */
export const CALLER_REJECTED: ReadonlySet<string> = new Set(['invalid_request', 'invalid_grant', 'invalid_token']);

/**
 * Watches an access token source for the rejection of its caller: by auth in the token exchange, or by the API when it
 * rejects a new access token as well. `findRejection` returns undefined until then.
 */
export function detectRejection(source: AccessTokenSource): {
  readonly source: AccessTokenSource;
  readonly findRejection: () => AccessTokenRejectedError | undefined;
  /** The seconds to wait, when auth limits the token exchanges. */
  readonly findRetryAfter: () => number | undefined;
  /** Whether the source has returned an access token, with which a request is then sent to the API. */
  readonly hasBeenUsed: () => boolean;
} {
  let rejection: AccessTokenRejectedError | undefined;
  let retryAfter: number | undefined;
  let rejectedOnce = false;
  let used = false;
  const renewed = new Set<string>();
  return {
    findRejection: () => rejection,
    findRetryAfter: () => retryAfter,
    hasBeenUsed: () => used,
    source: {
      reject(accessToken) {
        source.reject(accessToken);
        // only a renewed one counts: the API may reject one old access token in several parallel calls
        if (renewed.has(accessToken)) rejection = new AccessTokenRejectedError('invalid_token');
        rejectedOnce = true;
      },
      async get() {
        try {
          const accessToken = await source.get();
          used = true;
          if (rejectedOnce) renewed.add(accessToken);
          return accessToken;
        } catch (error) {
          if (error instanceof AccessTokenRejectedError && CALLER_REJECTED.has(error.error)) rejection = error;
          if (error instanceof TooManyTokenRequestsError) retryAfter = error.retryAfter;
          throw error;
        }
      },
    },
  };
}
