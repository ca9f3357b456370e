import type { Middleware } from 'koa';
import type { CorsOrigins } from '../../shared/http/cors.ts';
import { HttpError } from '../../shared/http/http-error.ts';

/**
 * Refuses with 403 what a page of another origin sends, but for `corsOrigins`, and what was sent to another host's name: a
 * page that rebinds its name to this machine's address speaks with its own Host and Origin (MCP 2025-11-25, transports,
 * security warning).
 */
export function validateOrigin(resource: string, corsOrigins: CorsOrigins = new Set()): Middleware {
  const { host, origin } = new URL(resource);
  return async function validateOrigin(ctx, next) {
    if (ctx.get('host').toLowerCase() !== host) throw new HttpError('host_not_allowed', `host: expected ${host}`);
    const sentOrigin = ctx.get('origin');
    if (sentOrigin !== '' && sentOrigin !== origin && corsOrigins !== '*' && !corsOrigins.has(sentOrigin))
      throw new HttpError('origin_not_allowed', `origin: expected none, or ${origin}`);
    await next();
  };
}
