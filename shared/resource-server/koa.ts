import type { Middleware, Next, ParameterizedContext } from 'koa';
import type { AccessToken, VerifyAccessToken } from './access-token-verifier.ts';
import { createBearerAuthenticator } from './bearer-authenticator.ts';
import type { Challenges } from './challenge.ts';
import { findProtectedResourceMetadata, type ProtectedResource } from './protected-resource-metadata.ts';

/** What `requireAccessToken` puts into `ctx.state`. */
export type Authorized = { accessToken: AccessToken };

type ResourceServerOptions = { verify: VerifyAccessToken; challenges: Challenges };

/** Rejects a request without a valid access token (RFC 6750). Otherwise sets `ctx.state.accessToken`. */
export function requireAccessToken(options: ResourceServerOptions): Middleware<Authorized> {
  const authenticate = createBearerAuthenticator(options);
  return function requireAccessToken(ctx, next) {
    const verified = authenticate(ctx.req.headers.authorization);
    // no promise for an access token that was verified before: this is the hot path of every request
    return verified instanceof Promise
      ? verified.then((accessToken) => proceed(accessToken, ctx, next))
      : proceed(verified, ctx, next);
  };
}

function proceed(accessToken: AccessToken, ctx: ParameterizedContext<Authorized>, next: Next): Promise<unknown> {
  ctx.state.accessToken = accessToken;
  // a shared cache must not store what only the holder of the token may see (RFC 6750 §5.3)
  if (!ctx.res.headersSent) ctx.res.setHeader('cache-control', 'private, no-store');
  return next();
}

/** Verifies the access token of a request once more. @throws {ChallengeError} when it was revoked or has expired since. */
export type Reverify = (ctx: { readonly state: Authorized }) => Promise<void>;

/** Creates the check for a request that has waited: its access token may have been revoked meanwhile. */
export function createReverify(options: ResourceServerOptions): Reverify {
  const authenticate = createBearerAuthenticator(options);
  return async function reverify({ state }) {
    await authenticate(`Bearer ${state.accessToken.value}`);
  };
}

/** Rejects a request with 403 `insufficient_scope` when its access token was not granted `scope` (RFC 6750 §3.1). */
export function requireScope(scope: string, challenges: Challenges): Middleware<Authorized> {
  return function requireScope(ctx, next) {
    // without requireAccessToken before it there is no access token, whatever the types say
    if (ctx.state.accessToken === undefined) throw challenges.missing();
    if (!ctx.state.accessToken.scopes.has(scope)) throw challenges.insufficientScope([scope], ctx.state.accessToken);
    return next();
  };
}

/** Serves the protected resource metadata (RFC 9728). */
export function serveProtectedResourceMetadata(protectedResource: ProtectedResource): Middleware {
  return async function serveProtectedResourceMetadata(ctx, next) {
    const found = findProtectedResourceMetadata(protectedResource, ctx.path);
    if (found === undefined) {
      await next();
      return;
    }
    if (ctx.method !== 'GET' && ctx.method !== 'HEAD') {
      ctx.status = ctx.method === 'OPTIONS' ? 204 : 405;
      ctx.set('allow', 'GET, HEAD');
      // a page may send any header: some libraries add one to each request, which makes a browser ask first
      if (ctx.get('access-control-request-method') !== '')
        ctx.set({
          'access-control-allow-origin': '*',
          'access-control-allow-methods': 'GET, HEAD',
          'access-control-allow-headers': ctx.get('access-control-request-headers') || '*',
          'access-control-max-age': '600',
        });
      return;
    }
    ctx.set({ ...found.headers });
    ctx.body = found.body;
  };
}
