import type { ClientCredentials } from '../shared/resource-server/reader-authorization.ts';
import type { McpConfig } from './config.ts';

/**
 * Selects the credentials with which mcp reads the status lists. They are undefined when the operator said, by
 * `OAUTH_TOKEN_URL`, that the secret is for an address that is not the issuer's.
 */
export function selectReaderCredentials({
  OAUTH_CLIENT_ID: clientId,
  OAUTH_CLIENT_SECRET: clientSecret,
  OAUTH_TOKEN_URL: tokenUrl,
  AUTH_ISSUER: issuer,
  AUTH_URL: authUrl,
}: Pick<McpConfig, 'OAUTH_CLIENT_ID' | 'OAUTH_CLIENT_SECRET' | 'OAUTH_TOKEN_URL' | 'AUTH_ISSUER' | 'AUTH_URL'>):
  | ClientCredentials
  | undefined {
  const addresses = [issuer, authUrl].map((url) => url && new URL(url).origin);
  return tokenUrl === undefined || addresses.includes(new URL(tokenUrl).origin)
    ? { clientId, clientSecret }
    : undefined;
}
