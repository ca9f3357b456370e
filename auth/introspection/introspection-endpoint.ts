import type { Client } from 'oidc-provider';
import { type AccessTokenClaims, InvalidAccessTokenError } from '../../shared/resource-server/access-token-claims.ts';
import type { IsRevoked } from '../../shared/resource-server/access-token-verifier.ts';
import { signIntrospectionResponse } from '../provider/signed-introspection.ts';
import type { HandleStructuredAccessToken } from '../provider/structured-access-tokens.ts';
import type { VerifyOwnToken } from '../revocation/revocation-endpoint.ts';

/** The media type of a signed answer (RFC 9701 §4). */
const SIGNED = 'application/token-introspection+jwt';

/**
 * Creates the introspection endpoint (RFC 7662) for JWT access tokens, with signed answers for whoever accepts them
 * (RFC 9701). A client may look into its own tokens, a resource server into those made out to it; about anything else it
 * learns that it is not active, and nothing more.
 */
export function createIntrospectionEndpoint({
  verify,
  isRevoked,
}: {
  verify: VerifyOwnToken;
  isRevoked: IsRevoked;
}): HandleStructuredAccessToken {
  return async function introspectToken(ctx, { client, token }) {
    const claims = await findActive(token);
    const answer =
      claims !== undefined && mayIntrospect(client, claims)
        ? { active: true, token_type: 'Bearer', ...claims }
        : { active: false };
    ctx.status = 200;
    ctx.vary('accept');
    if (ctx.accepts('json', SIGNED) === SIGNED) {
      ctx.body = await signIntrospectionResponse(ctx, answer);
      ctx.type = SIGNED;
    } else ctx.body = answer;
  };

  async function findActive(token: string): Promise<AccessTokenClaims | undefined> {
    try {
      const claims = await verify(token);
      // the clock tolerance is for clocks that differ, and this one is the clock that exp was set by (RFC 7662 §4)
      if (claims.exp <= Date.now() / 1000) return undefined;
      return (await isRevoked(claims.status.status_list)) ? undefined : claims;
    } catch (error) {
      if (error instanceof InvalidAccessTokenError) return undefined;
      throw error;
    }
  }
}

function mayIntrospect(client: Client, { client_id, aud }: AccessTokenClaims): boolean {
  return client_id === client.clientId || aud === client.resource_server;
}
