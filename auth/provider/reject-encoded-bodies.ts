import type { Middleware } from 'koa';
import { ROUTES } from './routes.ts';

const PATHS: ReadonlySet<string> = new Set([ROUTES.token, ROUTES.revocation, ROUTES.introspection]);

/**
 * Rejects a request to an OAuth endpoint whose body has a content encoding, such as gzip, with 415 (RFC 9110 §8.4).
 * oidc-provider ignores the encoding, and would say that a parameter is missing.
 */
export const rejectEncodedBodies: Middleware = function rejectEncodedBodies(ctx, next): Promise<unknown> | undefined {
  const { 'content-encoding': encoding = 'identity' } = ctx.headers;
  if (encoding.toLowerCase() === 'identity' || encoding === '' || !PATHS.has(ctx.path)) return next();
  ctx.status = 415;
  ctx.set('accept-encoding', 'identity');
  ctx.set('cache-control', 'no-store');
  ctx.body = { error: 'invalid_request', error_description: 'content-encoding: expected none' };
  return undefined;
};
