import { errors } from 'oidc-provider';
import { InvalidScopeError, OAuthError } from '../oauth-error.ts';
import { TooManyTokenRequestsError } from '../request-limits/token-request-limits.ts';
import { ConnectionNotFoundError, LeaseHolderNotFoundError } from '../status-lists/leases.ts';
import { TooManyRequests } from './too-many-requests.ts';

/**
 * Translates the typed errors of auth into the errors of oidc-provider, which answers anything else with 500
 * `server_error`. Other errors are returned unchanged.
 */
export function toProviderError(error: unknown): unknown {
  if (error instanceof InvalidScopeError) return new errors.InvalidScope(error.message, error.scope);
  if (error instanceof TooManyTokenRequestsError) return new TooManyRequests(error.message, error.waitMs, error.limit);
  if (error instanceof OAuthError)
    return new errors.CustomOIDCProviderError(error.code, error.message, { cause: error.cause });
  // an administrator disabled or deleted the client after it authenticated: it gets the same answer as an unknown client
  if (error instanceof LeaseHolderNotFoundError) return new errors.InvalidClientAuth(error.message);
  if (error instanceof ConnectionNotFoundError) return new errors.InvalidGrant(error.message);
  return error;
}

/**
 * Wraps a function that oidc-provider calls, so that it throws the errors of oidc-provider. A result that is not a
 * promise is returned as it is: issuing an access token then costs no additional promise.
 */
export function throwProviderErrors<Parameters extends unknown[], Result>(
  call: (...parameters: Parameters) => Result | Promise<Result>,
): (...parameters: Parameters) => Result | Promise<Result> {
  return function throwProviderErrors(...parameters) {
    try {
      const result = call(...parameters);
      return result instanceof Promise ? result.catch(rethrow) : result;
    } catch (error) {
      return rethrow(error);
    }
  };
}

function rethrow(error: unknown): never {
  throw toProviderError(error);
}
