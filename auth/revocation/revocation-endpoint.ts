import type { Client, KoaContextWithOIDC } from 'oidc-provider';
import { noteLimit } from '../../shared/http/limits-reached.ts';
import { requestId } from '../../shared/http/request-id.ts';
import { InvalidAccessTokenError } from '../../shared/resource-server/access-token-claims.ts';
import type { RecordAuditEvent } from '../audit/audit.ts';
import type { HandleStructuredAccessToken } from '../provider/structured-access-tokens.ts';
import type { VerifyOwnToken } from '../signing-keys/own-token-verifier.ts';
import { getListId } from '../status-lists/list-uri.ts';
import type { Revocations } from './revocations.ts';

/**
 * Revocations by clients that may be under way at the same time. They share connections with the administration, which
 * must not wait behind any number of them.
 */
const MAX_CONCURRENT_REVOCATIONS = 100;

/** Revocations by one client that may be under way at the same time, so that other clients can revoke, too. */
const MAX_CONCURRENT_REVOCATIONS_PER_CLIENT = 10;

/**
 * Creates the revocation endpoint (RFC 7009) for access tokens that are JWTs. A client can revoke its own access
 * tokens, and each revocation includes the tokens that were exchanged from it. The endpoint responds when the
 * revocation is committed. A request that revokes nothing is recorded in the audit, too.
 */
export function createRevocationEndpoint({
  issuer,
  verify,
  revocations,
  record,
}: {
  issuer: string;
  verify: VerifyOwnToken;
  revocations: Pick<Revocations, 'revokeToken'>;
  record: RecordAuditEvent;
}): HandleStructuredAccessToken {
  let underWay = 0;
  const underWayByClient = new Map<string, number>();

  return async function revokeToken(ctx, { client, token }) {
    // oidc-provider has revoked the connection of a refresh token of this client
    if (ctx.oidc.entities.RefreshToken?.clientId === client.clientId) return;
    const claims = await verify(token).catch((error) => {
      if (error instanceof InvalidAccessTokenError) return undefined;
      throw error;
    });
    ctx.status = 200;
    ctx.body = '';
    // a token that is not valid needs no revocation, and the response is the same (RFC 7009 §2.2)
    if (claims === undefined) {
      recordNothing(ctx, client, null, 'not a valid access token of this server');
      return;
    }
    if (claims.client_id !== client.clientId) {
      recordNothing(ctx, client, claims.jti, 'issued to another client');
      ctx.status = 400;
      ctx.body = { error: 'invalid_request', error_description: 'the token was issued to another client' };
      return;
    }
    const ofClient = underWayByClient.get(client.clientId) ?? 0;
    if (ofClient >= MAX_CONCURRENT_REVOCATIONS_PER_CLIENT) {
      rejectForNow(ctx, 429, `${MAX_CONCURRENT_REVOCATIONS_PER_CLIENT} revocations of this client`);
      return;
    }
    if (underWay >= MAX_CONCURRENT_REVOCATIONS) {
      rejectForNow(ctx, 503, `${MAX_CONCURRENT_REVOCATIONS} revocations`);
      return;
    }
    const { idx, uri } = claims.status.status_list;
    changeUnderWay(client.clientId, 1);
    try {
      await revocations.revokeToken(
        { list: getListId(issuer, uri), index: idx, jti: claims.jti, clientId: claims.client_id },
        { ...originOf(ctx, client), reason: 'revoked by its client' },
      );
    } finally {
      changeUnderWay(client.clientId, -1);
    }
  };

  function recordNothing(ctx: KoaContextWithOIDC, client: Client, target: string | null, reason: string): void {
    record({ ...originOf(ctx, client), action: 'token.revoke', target, outcome: 'refused', detail: { reason } });
  }

  function changeUnderWay(clientId: string, change: 1 | -1): void {
    underWay += change;
    const ofClient = (underWayByClient.get(clientId) ?? 0) + change;
    if (ofClient === 0) underWayByClient.delete(clientId);
    else underWayByClient.set(clientId, ofClient);
  }
}

function originOf(ctx: KoaContextWithOIDC, { clientId }: Client) {
  return { actor: clientId, address: ctx.ip, requestId: requestId(ctx) };
}

function rejectForNow(ctx: KoaContextWithOIDC, status: 429 | 503, what: string): void {
  ctx.status = status;
  noteLimit(ctx, 'concurrent_revocations');
  ctx.set('retry-after', '1');
  ctx.body = {
    error: 'temporarily_unavailable',
    error_description: `${what} are under way: the token is not revoked, retry in 1 second`,
  };
}
