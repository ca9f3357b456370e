import type { Middleware } from 'koa';

/** Lets any number of spaces follow the scheme of the Authorization header (RFC 9110 §11.4). oidc-provider expects one. */
export const readAuthorizationHeader: Middleware = function readAuthorizationHeader(ctx, next) {
  const { authorization } = ctx.req.headers;
  if (authorization?.includes('  ')) ctx.req.headers.authorization = authorization.replace(/^(\S+) +/, '$1 ');
  return next();
};
