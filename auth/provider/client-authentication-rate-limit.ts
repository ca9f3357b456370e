import type { Context, Middleware } from 'koa';
import Provider, { errors, type KoaContextWithOIDC } from 'oidc-provider';
import type { FailedAuthenticationLimiter } from '../client-authentication/failed-authentication-limiter.ts';
import type { Clients } from '../clients/clients.ts';

/** Where clients authenticate: elsewhere the provider looks clients up without a secret. */
const AUTHENTICATED: ReadonlySet<string> = new Set(['token', 'revocation', 'introspection']);

/** Refuses to look at the credentials of a client whose authentication failed too often. */
export type ClientAuthenticationRateLimit = {
  /** Wraps the look-up of clients, with which the provider begins to authenticate one. */
  readonly guard: (find: Clients['find']) => Clients['find'];
  /** Lets the guard learn how each authentication ended. What it returns goes before the endpoints but that for tokens. */
  readonly observe: (provider: Provider) => Middleware;
  /** The client id that a request claimed, until its authentication is known to have failed. */
  readonly claimedClientId: (ctx: Pick<Context, 'state'>) => string | undefined;
};

/** Creates the guard of the token, revocation and introspection endpoints against guessing (RFC 6749 §2.3.1). */
export function createClientAuthenticationRateLimit({
  findWait,
  failed,
  succeeded,
}: FailedAuthenticationLimiter): ClientAuthenticationRateLimit {
  return {
    claimedClientId: (ctx) => ctx.state.claimedClientId,
    guard: (find) =>
      function findUnlessLimited(clientId) {
        const { ctx } = Provider;
        if (ctx === undefined || !AUTHENTICATED.has(ctx.oidc.route) || ctx.state.claimedClientId !== undefined)
          return find(clientId);
        // ctx.ip is never what somebody put into X-Forwarded-For who is no trusted proxy
        const waiting = findWait({ clientId, address: ctx.ip });
        const findNow = (wait?: number) => {
          if (wait !== undefined) throw new TooManyFailedAuthenticationsError(ctx, wait);
          ctx.state.claimedClientId = clientId;
          return find(clientId);
        };
        return waiting === undefined ? findNow() : waiting.then(findNow);
      },

    observe(provider) {
      const count = (ctx: KoaContextWithOIDC, error: Error) => {
        const clientId = ctx.state.claimedClientId;
        if (clientId === undefined || !(error instanceof errors.InvalidClientAuth)) return;
        ctx.state.claimedClientId = undefined;
        void failed({ clientId, address: ctx.ip });
      };
      provider.on('grant.error', count);
      provider.on('revocation.error', count);
      provider.on('introspection.error', count);
      const note = (ctx: Context) => {
        const clientId = ctx.state.claimedClientId;
        if (clientId !== undefined && ctx.status < 400) succeeded({ clientId, address: ctx.ip });
      };
      provider.on('grant.success', note);
      // the event above tells of the token endpoint, and costs its requests nothing
      return async function noteAuthentication(ctx, next) {
        await next();
        note(ctx);
      };
    },
  };
}

class TooManyFailedAuthenticationsError extends errors.OIDCProviderError {
  constructor(ctx: KoaContextWithOIDC, wait: number) {
    super(429, 'temporarily_unavailable');
    const seconds = Math.max(1, Math.ceil(wait / 1000));
    this.error_description = `client authentication failed too often from this address: check the client credentials, and try again in ${seconds} seconds`;
    ctx.set('retry-after', String(seconds));
  }
}
