import type { Context } from 'koa';
import Provider from 'oidc-provider';

/**
 * Notes in each request whether its client has authenticated. `ctx.oidc.client` does not tell: oidc-provider sets it as
 * soon as it has found the client that the request names, and can still reject the request with an error other than
 * `invalid_client`, such as for two authentication methods.
 */
export function applyAuthenticatedClients(provider: Provider): void {
  const { Client, ReplayDetection } = provider;
  const compare = Client.prototype.compareClientSecret;
  const isUnique = ReplayDetection.unique;

  Client.prototype.compareClientSecret = async function compareAndNote(presented: string) {
    return noteIf(await compare.call(this, presented));
  };

  // the last step in which a client assertion is checked (RFC 7523 §3)
  ReplayDetection.unique = async function findUniqueAndNote(iss: string, jti: string, exp: number) {
    return noteIf(await isUnique.call(ReplayDetection, iss, jti, exp));
  };
}

/** Whether the client of this request has authenticated. */
export function isClientAuthenticated(ctx: Pick<Context, 'state'>): boolean {
  return ctx.state.isClientAuthenticated === true;
}

function noteIf(isAuthenticated: boolean): boolean {
  const { ctx } = Provider;
  if (isAuthenticated && ctx !== undefined) ctx.state.isClientAuthenticated = true;
  return isAuthenticated;
}
