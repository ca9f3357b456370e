import type { Middleware } from 'koa';
import type { CorsOrigins } from '../../../shared/http/cors.ts';
import { HttpError } from '../../../shared/http/http-error.ts';

/**
 * Rejects with 403 a request that names another host, and one from a page of another origin that is not in
 * `corsOrigins`. This stops DNS rebinding: a page that lets its own name resolve to the address of this server still
 * sends its own Host and Origin (MCP 2025-11-25, Transports, Security Warning).
 */
export function validateOrigin(resource: string, corsOrigins: CorsOrigins = new Set()): Middleware {
  const { host, origin } = new URL(resource);
  return async function validateOrigin(ctx, next) {
    if (ctx.get('host').toLowerCase() !== host) throw new HttpError('host_not_allowed', `host: expected ${host}`);
    const sentOrigin = ctx.get('origin');
    if (sentOrigin !== '' && sentOrigin !== origin && corsOrigins !== '*' && !corsOrigins.has(sentOrigin))
      throw new HttpError('origin_not_allowed', `origin: expected no Origin header, or ${origin}`);
    await next();
  };
}
