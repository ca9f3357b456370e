import type { Middleware } from 'koa';
import { HttpError } from '../../../shared/http/http-error.ts';

/**
 * Rejects every method except POST with 405 (MCP 2025-11-25, Streamable HTTP): the server opens no stream for GET, and has
 * no session to end with DELETE.
 */
export const requirePost: Middleware = function requirePost(ctx, next) {
  if (ctx.method !== 'POST')
    throw new HttpError('method_not_allowed', `${ctx.method} is not allowed here. Allowed: POST`, {
      headers: { allow: 'POST' },
    });
  return next();
};
