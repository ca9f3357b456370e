import { requestId } from '../../shared/http/request-id.ts';
import { InvalidAccessTokenError } from '../../shared/resource-server/access-token-claims.ts';
import type { HandleStructuredAccessToken } from '../provider/structured-access-tokens.ts';
import type { VerifyOwnToken } from '../signing-keys/own-token-verifier.ts';
import { getListId } from '../status-lists/list-uri.ts';
import type { Revocations } from './revocations.ts';

/**
 * Revocations by clients that may be under way at the same time. They share connections with the administration, which
 * must not wait behind any number of them.
 */
const MAX_CONCURRENT_REVOCATIONS = 100;

/**
 * Creates the revocation endpoint (RFC 7009) for access tokens that are JWTs. A client can revoke its own access
 * tokens, and each revocation includes the tokens that were exchanged from it. The endpoint responds when the
 * revocation is committed.
 */
export function createRevocationEndpoint({
  issuer,
  verify,
  revocations,
}: {
  issuer: string;
  verify: VerifyOwnToken;
  revocations: Pick<Revocations, 'revokeToken'>;
}): HandleStructuredAccessToken {
  let underWay = 0;

  return async function revokeToken(ctx, { client, token }) {
    const claims = await verify(token).catch((error) => {
      if (error instanceof InvalidAccessTokenError) return undefined;
      throw error;
    });
    ctx.status = 200;
    ctx.body = '';
    // a token that is not valid needs no revocation, and the response is the same (RFC 7009 §2.2)
    if (claims === undefined) return;
    if (claims.client_id !== client.clientId) {
      ctx.status = 400;
      ctx.body = { error: 'invalid_request', error_description: 'the token was issued to another client' };
      return;
    }
    if (underWay >= MAX_CONCURRENT_REVOCATIONS) {
      ctx.status = 503;
      ctx.set('retry-after', '1');
      ctx.body = {
        error: 'temporarily_unavailable',
        error_description: `more than ${MAX_CONCURRENT_REVOCATIONS} revocations are under way: the token is not revoked, retry in 1 second`,
      };
      return;
    }
    const { idx, uri } = claims.status.status_list;
    underWay += 1;
    try {
      await revocations.revokeToken(
        { list: getListId(issuer, uri), index: idx, jti: claims.jti, clientId: claims.client_id },
        { actor: client.clientId, address: ctx.ip, requestId: requestId(ctx), reason: 'revoked by its client' },
      );
    } finally {
      underWay -= 1;
    }
  };
}
