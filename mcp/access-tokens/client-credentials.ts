import { CLIENT_CREDENTIALS } from '../../shared/oauth-client/grant-types.ts';
import type { IssuedAccessToken, RequestAccessToken } from '../../shared/oauth-client/token-request.ts';
import type { AccessTokenSource } from './access-token-source.ts';

/** Milliseconds before its end at which an access token is renewed, or half its life when that is shorter. */
const RENEW_BEFORE = 60_000;

/**
 * Creates the source of a client's own access token (RFC 6749 §4.4). One is kept and renewed a minute before it ends;
 * however many calls wait for it, one request is under way.
 * @param resource the resource identifier that it is for (RFC 8707 §2).
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
  let kept: IssuedAccessToken | undefined;
  let requesting: Promise<IssuedAccessToken> | undefined;

  return {
    get: async () => (await find()).value,
    grantedScopes: async () => (await find()).scopes,
    reject(accessToken) {
      if (kept?.value === accessToken) kept = undefined;
    },
  };

  async function find(): Promise<IssuedAccessToken> {
    if (kept !== undefined && now() < renewAt(kept)) return kept;
    requesting ??= request().finally(() => {
      requesting = undefined;
    });
    return requesting;
  }

  async function request(): Promise<IssuedAccessToken> {
    kept = await requestAccessToken(CLIENT_CREDENTIALS, { resource: await resource() });
    return kept;
  }
}

function renewAt({ issuedAt, expiresAt }: IssuedAccessToken): number {
  return expiresAt - Math.min(RENEW_BEFORE, (expiresAt - issuedAt) / 2);
}
