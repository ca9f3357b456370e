import type { Context, Middleware, Next, ParameterizedContext } from 'koa';
import type { Scope } from '../scopes.ts';
import { InvalidAccessTokenError } from './access-token-claims.ts';
import type { AccessToken, VerifyAccessToken } from './access-token-verifier.ts';
import type { Challenges } from './challenges.ts';

/** What the guard leaves in `ctx.state` for what comes after it. */
export type Authorized = { accessToken: AccessToken };

/**
 * Lets a request pass that carries a good access token in its Authorization header, the only place where one is looked
 * for (RFC 6750 §2.1). Refuses with 401 and a challenge, or 400 when the header is not one.
 */
export function requireAccessToken({
  verify,
  challenges,
}: {
  verify: VerifyAccessToken;
  challenges: Challenges;
}): Middleware<Authorized> {
  return function requireAccessToken(ctx, next) {
    const token = bearerToken(ctx, challenges);
    const verified = verifyOrRefuse(token);
    return verified instanceof Promise
      ? verified.then(
          (accessToken) => pass(accessToken, ctx, next),
          (error) => refuse(error, token),
        )
      : pass(verified, ctx, next);
  };

  function verifyOrRefuse(token: string): AccessToken | Promise<AccessToken> {
    try {
      return verify(token);
    } catch (error) {
      return refuse(error, token);
    }
  }

  function refuse(error: unknown, token: string): never {
    if (!(error instanceof InvalidAccessTokenError)) throw error;
    // looked at only now: what was verified is well formed
    throw B64TOKEN.test(token) ? challenges.invalid(error) : challenges.malformedRequest();
  }
}

function pass(accessToken: AccessToken, ctx: ParameterizedContext<Authorized>, next: Next): Promise<unknown> {
  ctx.state.accessToken = accessToken;
  // what a token's holder may see is nobody else's to keep (RFC 6750 §5.3)
  if (!ctx.res.headersSent) ctx.res.setHeader('cache-control', 'private, no-store');
  return next();
}

/** Lets a request pass whose access token was granted `scope`. Refuses with 403 and the scope to ask for. */
export function requireScope(scope: Scope, challenges: Challenges): Middleware<Authorized> {
  return function requireScope(ctx, next) {
    // without the guard before it there is no access token, whatever the types say
    if (ctx.state.accessToken === undefined) throw challenges.missing();
    if (!ctx.state.accessToken.scopes.has(scope)) throw challenges.insufficientScope([scope]);
    return next();
  };
}

/** The syntax of an access token in a header (RFC 6750 §2.1). */
const B64TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/;

function bearerToken(ctx: Pick<Context, 'req'>, challenges: Challenges): string {
  const header = ctx.req.headers.authorization ?? '';
  // other schemes are not ours to parse: such a request carries no access token
  if (header.startsWith('Bearer ') || header.slice(0, 7).toLowerCase() === 'bearer ') return header.slice(7);
  throw header.toLowerCase() === 'bearer' ? challenges.malformedRequest() : challenges.missing();
}
