import type { Context, Middleware } from 'koa';
import Provider, { errors, type KoaContextWithOIDC } from 'oidc-provider';
import type { FailedAuthenticationLimiter } from '../client-authentication/failed-authentication-limiter.ts';

/** The routes at which clients authenticate. At other routes oidc-provider finds a client without authenticating it. */
const AUTHENTICATED_ROUTES: ReadonlySet<string> = new Set(['token', 'revocation', 'introspection']);

/**
 * Limits failed client authentication (RFC 6749 §2.3.1), which oidc-provider does not limit. Client authentication begins
 * with `Client.find`: while a client id is limited there, its secret is not compared at all.
 * @returns middleware that notes successful authentication at the revocation and introspection endpoints, for which
 *   oidc-provider has no event.
 */
export function applyClientAuthenticationRateLimit(
  provider: Provider,
  { findWaitMs, recordFailure, recordSuccess }: FailedAuthenticationLimiter,
): Middleware {
  const { Client } = provider;
  const find = Client.find;

  Client.find = function findUnlessLimited(given: unknown) {
    const clientId = typeof given === 'string' ? given : '';
    const { ctx } = Provider;
    if (ctx === undefined || !AUTHENTICATED_ROUTES.has(ctx.oidc.route) || findClaimedClientId(ctx) !== undefined)
      return find.call(Client, clientId);
    const findNow = (waitMs?: number) => {
      if (waitMs !== undefined) throw new TooManyFailedAuthenticationsError(ctx, waitMs);
      ctx.state.claimedClientId = clientId;
      return find.call(Client, clientId);
    };
    // ctx.ip ignores X-Forwarded-For unless a trusted proxy sent it
    const waiting = findWaitMs({ clientId, address: ctx.ip });
    return waiting === undefined ? findNow() : waiting.then(findNow);
  };

  provider.on('grant.error', countFailure);
  provider.on('revocation.error', countFailure);
  provider.on('introspection.error', countFailure);
  provider.on('grant.success', noteSuccess);

  return async function noteAuthentication(ctx, next) {
    await next();
    if (ctx.status < 400) noteSuccess(ctx);
  };

  function countFailure(ctx: KoaContextWithOIDC, error: Error): void {
    const clientId = findClaimedClientId(ctx);
    if (clientId === undefined || !(error instanceof errors.InvalidClientAuth)) return;
    void recordFailure({ clientId, address: ctx.ip });
  }

  function noteSuccess(ctx: Context): void {
    const clientId = findClaimedClientId(ctx);
    if (clientId !== undefined) recordSuccess({ clientId, address: ctx.ip });
  }
}

/** The client id that a request authenticates with, whether or not it proves to be that client. */
export function findClaimedClientId(ctx: Pick<Context, 'state'>): string | undefined {
  return ctx.state.claimedClientId;
}

class TooManyFailedAuthenticationsError extends errors.OIDCProviderError {
  constructor(ctx: KoaContextWithOIDC, waitMs: number) {
    super(429, 'temporarily_unavailable');
    const seconds = Math.max(1, Math.ceil(waitMs / 1000));
    this.error_description = `client authentication failed too often from this address: check the client credentials and retry in ${seconds} seconds`;
    ctx.set('retry-after', String(seconds));
  }
}
