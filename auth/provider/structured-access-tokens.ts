import type { Context, Middleware } from 'koa';
import type Provider from 'oidc-provider';
import { type Client, errors, type KoaContextWithOIDC } from 'oidc-provider';
import type { Logger } from 'pino';
import { describeRequest } from '../../shared/http/request-id.ts';
import { ROUTES } from './routes.ts';

/** Answers a request of an authenticated client about an access token that is a JWT. */
export type HandleStructuredAccessToken = (
  ctx: KoaContextWithOIDC,
  request: { readonly client: Client; readonly token: string },
) => Promise<void>;

/**
 * Lets the revocation and introspection endpoints answer about access tokens that are JWTs. oidc-provider rejects every
 * JWT with `unsupported_token_type`, because it does not store them. It does so after it has authenticated the client and
 * checked the parameters, and emits the error as an event; the middleware replaces the response afterwards. At the revocation
 * endpoint it also handles every other token: none is stored, so it is not valid.
 * @returns the middleware.
 */
export function applyStructuredAccessTokens(
  provider: Provider,
  {
    revocation,
    introspection,
    logger,
  }: { revocation: HandleStructuredAccessToken; introspection: HandleStructuredAccessToken; logger: Logger },
): Middleware {
  const rejected = new WeakMap<object, () => Promise<void>>();
  provider.on('revocation.error', handleLater(revocation));
  provider.on('introspection.error', handleLater(introspection));

  return async function handleStructuredAccessTokens(ctx, next) {
    await next();
    const handle = rejected.get(ctx) ?? findOtherRevocation(ctx);
    if (handle === undefined) return;
    ctx.set('cache-control', 'no-store');
    try {
      await handle();
    } catch (err) {
      // the token may still be valid, so the response must not say that it was revoked (RFC 7009 §2.2.1)
      logger.error({ event: 'request.failed', err, ...describeRequest(ctx) }, 'request failed');
      ctx.status = 503;
      ctx.set('retry-after', '1');
      ctx.type = 'json';
      ctx.body = {
        error: 'temporarily_unavailable',
        error_description: 'the server cannot process the token now: retry later',
      };
    }
  };

  function findOtherRevocation(ctx: Context): (() => Promise<void>) | undefined {
    if (ctx.path !== ROUTES.revocation || ctx.status !== 200) return undefined;
    const { client, params } = Object(ctx.oidc);
    return () => revocation(Object(ctx), { client, token: String(params.token) });
  }

  function handleLater(handle: HandleStructuredAccessToken) {
    return (ctx: KoaContextWithOIDC, error: Error) => {
      const { client, params } = ctx.oidc;
      if (!(error instanceof errors.UnsupportedTokenType) || client === undefined || typeof params?.token !== 'string')
        return;
      const request = { client, token: params.token };
      rejected.set(ctx, () => handle(ctx, request));
    };
  }
}
