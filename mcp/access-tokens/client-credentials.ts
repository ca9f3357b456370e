import { CLIENT_CREDENTIALS } from '../../shared/oauth-client/grant-types.ts';
import type { IssuedAccessToken, RequestAccessToken } from '../../shared/oauth-client/token-request.ts';
import type { AccessTokenSource } from './access-token-source.ts';

/** How long before its expiry an access token is renewed; half its lifetime when that is shorter. */
const RENEW_BEFORE_EXPIRY_MS = 60_000;

/**
 * Creates a source of the client's own access token (RFC 6749 §4.4), for stdio. The access token is cached and renewed
 * before it expires. Calls that wait for an access token share one request.
 * @param resource finds the resource identifier to request the access token for (RFC 8707 §2).
 */
export function createClientCredentialsSource({
  requestAccessToken,
  resource,
  now = Date.now,
}: {
  requestAccessToken: RequestAccessToken;
  resource: () => Promise<string>;
  now?: () => number;
}): AccessTokenSource & { readonly grantedScopes: () => Promise<ReadonlySet<string> | undefined> } {
  let cached: IssuedAccessToken | undefined;
  let pending: Promise<IssuedAccessToken> | undefined;

  return {
    get: async () => (await getAccessToken()).value,
    grantedScopes: async () => (await getAccessToken()).scopes,
    reject(accessToken) {
      // a late rejection of an older access token must not remove the current one
      if (cached?.value === accessToken) cached = undefined;
    },
  };

  async function getAccessToken(): Promise<IssuedAccessToken> {
    if (cached !== undefined && now() < renewalTime(cached)) return cached;
    pending ??= request().finally(() => {
      pending = undefined;
    });
    return pending;
  }

  async function request(): Promise<IssuedAccessToken> {
    cached = await requestAccessToken(CLIENT_CREDENTIALS, { resource: await resource() });
    return cached;
  }
}

function renewalTime({ issuedAt, expiresAt }: IssuedAccessToken): number {
  return expiresAt - Math.min(RENEW_BEFORE_EXPIRY_MS, (expiresAt - issuedAt) / 2);
}
