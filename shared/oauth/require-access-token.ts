import type { Context, Middleware } from 'koa';
import type { Scope } from '../scopes.ts';
import { InvalidAccessToken } from './access-token-claims.ts';
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
  return async function requireAccessToken(ctx, next) {
    const token = bearerToken(ctx, challenges);
    try {
      ctx.state.accessToken = await verify(token);
    } catch (error) {
      throw error instanceof InvalidAccessToken ? challenges.invalid(error) : error;
    }
    // what a token's holder may see is nobody else's to keep (RFC 6750 §5.3)
    ctx.set('cache-control', 'private, no-store');
    await next();
  };
}

/** Lets a request pass whose access token was granted `scope`. Refuses with 403 and the scope to ask for. */
export function requireScope(scope: Scope, challenges: Challenges): Middleware<Authorized> {
  return function requireScope(ctx, next) {
    if (!ctx.state.accessToken.scopes.has(scope)) throw challenges.insufficientScope([scope]);
    return next();
  };
}

function bearerToken(ctx: Pick<Context, 'get'>, challenges: Challenges): string {
  const header = ctx.get('authorization');
  const [scheme, ...rest] = header.split(' ');
  // other schemes are not ours to parse: such a request carries no access token
  if (scheme?.toLowerCase() !== 'bearer') throw challenges.missing();
  const [token, ...excess] = rest;
  if (token === undefined || excess.length > 0 || !/^[A-Za-z0-9\-._~+/]+=*$/.test(token))
    throw challenges.malformedRequest();
  return token;
}
