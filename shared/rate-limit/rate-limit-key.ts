import type { AccessToken } from '../resource-server/access-token-verifier.ts';

/**
 * The party for which requests are counted: the subject of the access token, in api and mcp alike. An access token does not
 * name the connection through which a person's assistant got it. When it does, this function returns the connection too, so
 * that one assistant cannot use up what the others of the person need.
 */
export function rateLimitKey({ subject }: AccessToken): string {
  return subject;
}
