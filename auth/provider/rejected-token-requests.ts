import type { Context } from 'koa';
import Provider, { errors, type KoaContextWithOIDC } from 'oidc-provider';
import { noteLimit } from '../../shared/http/limits-reached.ts';
import { networkOf } from '../../shared/http/network-of.ts';
import type { TokenRequestLimits } from '../request-limits/token-request-limits.ts';
import { isClientAuthenticated } from './authenticated-clients.ts';
import { throwProviderErrors, toProviderError } from './oauth-errors.ts';
import { TooManyRequests } from './too-many-requests.ts';

/**
 * Limits the token requests that are rejected after the client has authenticated, such as those for a scope that it may not
 * have, and for each network, those of a public client. Beyond the quota it gets 429, and no audit event. A request that would not be rejected is still
 * answered: whether it is rejected is decided in memory. For a client that authenticates with a key each authentication
 * writes to the database, so while it has used up a quota of an endpoint, every request of it there is rejected before that.
 * So is every token request for a public client from a network that used up its quota: each reads the database.
 */
export function applyRejectionLimit(
  provider: Provider,
  {
    countRejection,
    requireQuota,
    requireRejectionQuota,
  }: Pick<TokenRequestLimits, 'countRejection' | 'requireQuota' | 'requireRejectionQuota'>,
): void {
  const { Client } = provider;
  const find = Client.find;
  const rejectIfLimited = throwProviderErrors(requireQuota);
  const rejectNetworkIfLimited = throwProviderErrors(requireRejectionQuota);

  Client.find = function findWithinQuota(clientId: string) {
    const { ctx } = Provider;
    if (ctx?.oidc.params?.client_assertion !== undefined) rejectIfLimited(ctx.oidc.route, clientId);
    else if (ctx?.oidc.route === 'token') rejectNetworkIfLimited(clientId, networkOf(ctx.ip));
    return find.call(Client, clientId);
  };

  provider.on('grant.error', limitRejection);

  function limitRejection(ctx: KoaContextWithOIDC, error: Error): void {
    const { client } = ctx.oidc;
    // a stranger who only names a client must not use up its quota
    const isPublic = client?.clientAuthMethod === 'none';
    if (client === undefined || !(isPublic || isClientAuthenticated(ctx))) return;
    if (error instanceof errors.InvalidClientAuth || error instanceof TooManyRequests) return;
    const tooMany = toProviderError(countRejection(client.clientId, isPublic ? networkOf(ctx.ip) : undefined));
    ctx.state.countedRejection = tooMany === undefined ? 'within quota' : 'beyond quota';
    if (!(tooMany instanceof TooManyRequests)) return;
    noteLimit(ctx, tooMany.limit);
    // oidc-provider emits the event after it has written the response into ctx, and before the response is sent
    ctx.status = tooMany.status;
    ctx.set('retry-after', String(tooMany.retryAfterSeconds));
    ctx.body = { error: tooMany.error, error_description: tooMany.error_description };
  }
}

/** How the rejection of this request was counted. Beyond the quota it was replaced by 429; undefined: it was not counted. */
export function findCountedRejection(ctx: Pick<Context, 'state'>): 'within quota' | 'beyond quota' | undefined {
  return ctx.state.countedRejection;
}
