import type { Middleware } from 'koa';
import { ROUTES } from './routes.ts';

/** The path of the authorization endpoint and those below it, as oidc-provider matches them: without regard to case. */
const AUTHORIZATION = new RegExp(`^${ROUTES.authorization}(/|$)`, 'i');

const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST']);

/**
 * Rejects every authorization request (RFC 6749 §4.1.2.1) with the same response, because yata has no response type yet.
 * oidc-provider would look the client up before it rejects the request: its response would tell which client ids exist,
 * and each request would cost database statements.
 */
export const rejectAuthorizationRequests: Middleware = async function rejectAuthorizationRequests(ctx, next) {
  if (!AUTHORIZATION.test(ctx.path) || !METHODS.has(ctx.method)) {
    await next();
    return;
  }
  ctx.status = 400;
  ctx.set('cache-control', 'no-store');
  ctx.body = {
    error: 'unsupported_response_type',
    error_description: 'this server issues access tokens at the token endpoint only',
  };
};
