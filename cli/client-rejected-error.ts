import { AccessTokenRejectedError, TooManyTokenRequestsError } from '../shared/oauth-client/token-request.ts';
import { escapeInvisible } from '../shared/visible-text.ts';
import { quoteValue } from './sanitize.ts';

/** auth issued no access token to a client. The message says why and what to do. */
class ClientRejectedError extends Error {
  override readonly name = 'ClientRejectedError';
}

/**
 * Explains a token request that auth rejected; returns any other error as it is.
 * @param source where the credentials come from.
 * @param advice what to do when the credentials are right, but the request is not granted.
 */
export function toClientRejectedError(
  error: unknown,
  { clientId, source, advice }: { clientId: string; source: string; advice: string },
): unknown {
  if (error instanceof AccessTokenRejectedError) {
    const isUnauthenticated = error.error === 'invalid_client';
    const reason = isUnauthenticated
      ? 'client authentication failed'
      : escapeInvisible(error.description ?? error.error);
    const next = isUnauthenticated
      ? `Check that the secret from ${source} is the current one, and that the client is active.`
      : advice;
    return new ClientRejectedError(
      `The authorization server rejected the client ${quoteValue(clientId)}: ${reason}. ${next}`,
    );
  }
  if (error instanceof TooManyTokenRequestsError) {
    const reason = escapeInvisible(error.description ?? `too many requests, retry in ${error.retryAfter} seconds`);
    return new ClientRejectedError(`The authorization server limits the client ${quoteValue(clientId)}: ${reason}.`);
  }
  return error;
}
