import { errors, type KoaContextWithOIDC } from 'oidc-provider';
import {
  allowedScopes,
  getRequestedResourceServer,
  normalizeResource,
  type ResourceServers,
} from '../resource-servers/resource-servers.ts';
import { throwProviderErrors } from './oauth-errors.ts';
import { findAudience } from './resource-indicators.ts';
import type { StatusClaim } from './status-claim.ts';

/** The list of the status must outlive the access token, which is signed a moment after its status is assigned. */
const SIGNING_MARGIN_SECONDS = 60;

/**
 * Creates the setting `rotateRefreshToken`. Every refresh token rotates (RFC 9700 §4.14.2). oidc-provider calls this before it
 * uses the refresh token up, so everything that can fail is done here: a rejected request leaves the refresh token as it was.
 */
export function createRotation({
  resourceServers,
  statusClaim,
  accessTokenTtl,
}: {
  resourceServers: ResourceServers;
  statusClaim: Pick<StatusClaim, 'reserve'>;
  accessTokenTtl: number;
}) {
  return throwProviderErrors(async function rotateRefreshToken(ctx: KoaContextWithOIDC): Promise<boolean> {
    const { client, params, entities } = ctx.oidc;
    const { RefreshToken: refreshToken, Grant: grant } = entities;
    if (client === undefined || refreshToken === undefined || grant === undefined)
      throw new Error('a refresh token is redeemed by a client for a grant');
    const resource = typeof params?.resource === 'string' ? params.resource : undefined;
    const audience = findAudience(ctx);
    const granted = String([refreshToken.resource ?? []].flat()[0] ?? '');
    const requested = getRequestedResourceServer(resourceServers, { resource: resource ?? granted, audience }, client);
    if (resource !== undefined || audience !== undefined) {
      if (![refreshToken.resource ?? []].flat().map(normalizeResource).includes(requested.resource))
        throw new errors.InvalidTarget('resource: expected the one that the person allowed');
    }
    const allowed = allowedScopes(client, requested);
    if (!allowed.some((scope) => refreshToken.scopes.has(scope)))
      throw new errors.InvalidGrant('this client may not have any scope that the person allowed');
    const expiresAt = Math.floor(Date.now() / 1000) + accessTokenTtl + SIGNING_MARGIN_SECONDS;
    await statusClaim.reserve(ctx, client, expiresAt, String(refreshToken.grantId));
    return true;
  });
}
