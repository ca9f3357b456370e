import type { Middleware } from 'koa';
import type Provider from 'oidc-provider';
import { type Client, errors, type KoaContextWithOIDC } from 'oidc-provider';
import type { Logger } from 'pino';

/** Answers a request about one of our JWT access tokens. The client is authenticated. */
export type HandleStructuredAccessToken = (
  ctx: KoaContextWithOIDC,
  request: { readonly client: Client; readonly token: string },
) => Promise<void>;

/**
 * Lets `revocation` and `introspection` answer about JWT access tokens, which oidc-provider declines because it keeps
 * none. It does so after it has authenticated the client and checked the parameters, and says so with an error of its
 * own: what it declined is answered here.
 */
export function handleStructuredAccessTokens(
  provider: Provider,
  {
    revocation,
    introspection,
    logger,
  }: { revocation: HandleStructuredAccessToken; introspection: HandleStructuredAccessToken; logger: Logger },
): Middleware {
  const declined = new WeakMap<object, () => Promise<void>>();
  const note = (answer: HandleStructuredAccessToken) => (ctx: KoaContextWithOIDC, error: Error) => {
    const { client, params } = ctx.oidc;
    if (!(error instanceof errors.UnsupportedTokenType) || client === undefined || typeof params?.token !== 'string')
      return;
    const request = { client, token: params.token };
    declined.set(ctx, () => answer(ctx, request));
  };
  provider.on('revocation.error', note(revocation));
  provider.on('introspection.error', note(introspection));

  return async function handleStructuredAccessTokens(ctx, next) {
    await next();
    const answer = declined.get(ctx);
    if (answer === undefined) return;
    ctx.set('cache-control', 'no-store');
    try {
      await answer();
    } catch (error) {
      // the token may be as good as before: nothing is claimed (RFC 7009 §2.2.1)
      logger.error({ err: error, path: ctx.path }, 'the store is out of reach');
      ctx.status = 503;
      ctx.set('retry-after', '1');
      ctx.type = 'json';
      ctx.body = { error: 'temporarily_unavailable', error_description: 'the store is out of reach' };
    }
  };
}
