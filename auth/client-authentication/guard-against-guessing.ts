import type { Context } from 'koa';
import Provider, { errors, type KoaContextWithOIDC } from 'oidc-provider';
import type { Clients } from '../clients/clients.ts';
import type { FailedAuthenticationLimiter } from './failed-authentication-limiter.ts';

/** Where clients authenticate: elsewhere the provider looks clients up without a secret. */
const AUTHENTICATED: ReadonlySet<string> = new Set(['token', 'revocation', 'introspection']);

/** Refuses to look at the credentials of a client whose authentication failed too often. */
export type GuardAgainstGuessing = {
  /** Wraps the look-up of clients, with which the provider begins to authenticate one. */
  readonly guard: (find: Clients['find']) => Clients['find'];
  /** Lets the guard learn how each authentication ended. */
  readonly observe: (provider: Provider, tokenPath: string) => void;
  /** The client id that a request claimed, until its authentication is known to have failed. */
  readonly claimedClientId: (ctx: object) => string | undefined;
};

/** Creates the guard of the token, revocation and introspection endpoints against guessing (RFC 6749 §2.3.1). */
export function createGuardAgainstGuessing({
  findWait,
  failed,
  succeeded,
}: FailedAuthenticationLimiter): GuardAgainstGuessing {
  // the client id that a request claimed, however it did: once, for introspection looks up another one later
  const claims = new WeakMap<object, string>();

  return {
    claimedClientId: (ctx) => claims.get(ctx),
    guard: (find) =>
      async function findUnlessLimited(clientId) {
        const { ctx } = Provider;
        if (ctx !== undefined && AUTHENTICATED.has(ctx.oidc.route) && !claims.has(ctx)) {
          // ctx.ip is the peer's address and never that of X-Forwarded-For, which anybody can write
          const wait = await findWait({ clientId, address: ctx.ip });
          if (wait !== undefined) throw new TooManyFailedAuthentications(ctx, wait);
          claims.set(ctx, clientId);
        }
        return find(clientId);
      },

    observe(provider, tokenPath) {
      const count = (ctx: KoaContextWithOIDC, error: Error) => {
        const clientId = claims.get(ctx);
        if (clientId === undefined || !(error instanceof errors.InvalidClientAuth)) return;
        claims.delete(ctx);
        void failed({ clientId, address: ctx.ip });
      };
      provider.on('grant.error', count);
      provider.on('revocation.error', count);
      provider.on('introspection.error', count);
      const note = (ctx: Context) => {
        const clientId = claims.get(ctx);
        if (clientId !== undefined && ctx.status < 400) succeeded({ clientId, address: ctx.ip });
      };
      provider.on('grant.success', note);
      provider.use(async function noteAuthentication(ctx, next) {
        // the event above tells of the token endpoint, and costs its requests nothing
        if (ctx.path === tokenPath) return next();
        await next();
        note(ctx);
      });
    },
  };
}

class TooManyFailedAuthentications extends errors.OIDCProviderError {
  constructor(ctx: KoaContextWithOIDC, wait: number) {
    super(429, 'temporarily_unavailable');
    const seconds = Math.max(1, Math.ceil(wait / 1000));
    this.error_description = `client authentication failed too often from this address: check the client credentials, and try again in ${seconds} seconds`;
    ctx.set('retry-after', String(seconds));
  }
}
