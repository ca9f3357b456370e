import type { Context } from 'koa';
import Provider, { type Client } from 'oidc-provider';
import type { TokenRequestLimits } from '../request-limits/token-request-limits.ts';
import { throwProviderErrors } from './oauth-errors.ts';

/**
 * Notes in each request whether its client has authenticated. `ctx.oidc.client` does not tell: oidc-provider sets it as
 * soon as it has found the client that the request names, and can still reject the request with an error other than
 * `invalid_client`, such as for two authentication methods.
 *
 * Also counts the request against the quota of its client for this endpoint. Beyond the quota the request gets 429.
 */
export function applyAuthenticatedClients(
  provider: Provider,
  { countRequest }: Pick<TokenRequestLimits, 'countRequest'>,
): void {
  const { Client, ReplayDetection } = provider;
  const compare = Client.prototype.compareClientSecret;
  const isUnique = ReplayDetection.unique;
  const count = throwProviderErrors(countRequest);

  Client.prototype.compareClientSecret = async function compareAndNote(this: Client, presented: string) {
    return noteIf(await compare.call(this, presented), this.clientId);
  };

  // the last step in which a client assertion is checked (RFC 7523 §3)
  ReplayDetection.unique = async function findUniqueAndNote(iss: string, jti: string, exp: number) {
    return noteIf(await isUnique.call(ReplayDetection, iss, jti, exp), iss);
  };

  function noteIf(isAuthenticated: boolean, clientId: string): boolean {
    const { ctx } = Provider;
    if (isAuthenticated && ctx !== undefined) {
      ctx.state.isClientAuthenticated = true;
      count(ctx.oidc.route, clientId);
    }
    return isAuthenticated;
  }
}

/** Whether the client of this request has authenticated. */
export function isClientAuthenticated(ctx: Pick<Context, 'state'>): boolean {
  return ctx.state.isClientAuthenticated === true;
}
