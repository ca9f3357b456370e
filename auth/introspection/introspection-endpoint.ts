import type { Client } from 'oidc-provider';
import { type AccessTokenClaims, InvalidAccessTokenError } from '../../shared/resource-server/access-token-claims.ts';
import type { IsRevoked } from '../../shared/resource-server/access-token-verifier.ts';
import { UnknownStatusListError } from '../../shared/resource-server/status-list.ts';
import type { HandleStructuredAccessToken } from '../provider/structured-access-tokens.ts';
import type { VerifyOwnToken } from '../signing-keys/own-token-verifier.ts';
import type { SignIntrospectionResponse } from './sign-response.ts';

/** The media type of a signed introspection response (RFC 9701 §4). */
const SIGNED_MEDIA_TYPE = 'application/token-introspection+jwt';

/**
 * Creates the introspection endpoint (RFC 7662) for access tokens that are JWTs. It signs the response for a client
 * that accepts signed responses (RFC 9701). A client can introspect its own access tokens, and a resource server those
 * issued for it; in a signed response only the latter. For every other token the response is `active: false` and nothing more.
 */
export function createIntrospectionEndpoint({
  verify,
  isRevoked,
  signResponse,
}: {
  verify: VerifyOwnToken;
  isRevoked: IsRevoked;
  signResponse: SignIntrospectionResponse;
}): HandleStructuredAccessToken {
  return async function introspectToken(ctx, { client, token }) {
    const claims = await findActiveClaims(token);
    ctx.status = 200;
    ctx.vary('accept');
    const isSigned = ctx.accepts('json', SIGNED_MEDIA_TYPE) === SIGNED_MEDIA_TYPE;
    // a signed response can be shown to others, so it is for the audience of the token only (RFC 9701 §5)
    const mayKnow = isSigned ? isAudience : mayIntrospect;
    const response =
      claims !== undefined && mayKnow(client, claims)
        ? { active: true, token_type: 'Bearer', ...claims }
        : { active: false };
    if (isSigned) {
      ctx.body = await signResponse(client.clientId, response);
      ctx.type = SIGNED_MEDIA_TYPE;
    } else ctx.body = response;
  };

  async function findActiveClaims(token: string): Promise<AccessTokenClaims | undefined> {
    try {
      const claims = await verify(token);
      // without the clock tolerance of resource servers, because auth set exp by its own clock (RFC 7662 §4)
      if (claims.exp <= Date.now() / 1000) return undefined;
      return (await isRevoked(claims.status.status_list)) ? undefined : claims;
    } catch (error) {
      // a token of a deleted or unknown list cannot be active
      if (error instanceof InvalidAccessTokenError || error instanceof UnknownStatusListError) return undefined;
      throw error;
    }
  }
}

function mayIntrospect(client: Client, claims: AccessTokenClaims): boolean {
  // anyone can name a public client (RFC 7662 §2.1 requires authorization)
  if (client.clientAuthMethod === 'none') return false;
  return claims.client_id === client.clientId || isAudience(client, claims);
}

function isAudience(client: Client, { aud }: AccessTokenClaims): boolean {
  return aud === client.resource_server;
}
