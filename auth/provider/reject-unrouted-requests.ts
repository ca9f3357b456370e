import type { Middleware } from 'koa';
import { METHODS } from './routes.ts';

/**
 * Rejects each request that no endpoint answers: with 405 and `Allow` if only the method is wrong, otherwise with 404.
 * oidc-provider sends 404 without a body for both.
 */
export const rejectUnroutedRequests: Middleware = async function rejectUnroutedRequests(ctx, next) {
  // oidc-provider also serves other spellings of a path, which would pass by what auth does for the path
  if (METHODS[ctx.path] !== undefined || !isOtherSpelling(ctx.path)) await next();
  if (ctx.status !== 404 || ctx.body) return;
  const allow = METHODS[ctx.path];
  // with the right method, the endpoint itself answered 404
  if (allow === ctx.method) return;
  const error_description =
    allow === undefined ? 'there is no endpoint at this path' : `${ctx.method} is not allowed here. Allowed: ${allow}`;
  ctx.status = allow === undefined ? 404 : 405;
  if (allow !== undefined) ctx.set('allow', allow);
  ctx.body = { error: 'invalid_request', error_description };
};

/** Whether a path differs from that of an endpoint in upper case or a trailing slash alone. */
function isOtherSpelling(path: string): boolean {
  return METHODS[path.toLowerCase().replace(/\/$/, '')] !== undefined;
}
