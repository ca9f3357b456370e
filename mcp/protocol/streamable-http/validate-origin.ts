import type { Middleware } from 'koa';
import type { CorsOrigins } from '../../../shared/http/cors.ts';
import { HttpError } from '../../../shared/http/http-error.ts';

/**
 * Rejects with 403 a request that names another host than `resource` and `allowedHosts`, and one from a page of another origin
 * that is not in `corsOrigins`. The default port of the scheme may be named or not (RFC 9110 §4.2.3). This stops DNS rebinding: a page that lets its own name resolve to the address of this server still
 * sends its own Host and Origin (MCP 2025-11-25, Transports, Security Warning).
 */
export function validateOrigin(
  resource: string,
  { corsOrigins = new Set(), allowedHosts = [] }: { corsOrigins?: CorsOrigins; allowedHosts?: readonly string[] } = {},
): Middleware {
  const { protocol, host, origin } = new URL(resource);
  const hosts = new Set([host, ...allowedHosts].map(normalize));

  function normalize(given: string): string {
    const withoutPort = given.toLowerCase().replace(protocol === 'https:' ? /:443$/ : /:80$/, '');
    // a dot at the end of a name means the same (RFC 3986 §3.2.2)
    return withoutPort.replace(/\.(?=$|:)/, '');
  }

  return async function validateOrigin(ctx, next) {
    if (!hosts.has(normalize(ctx.get('host'))))
      throw new HttpError(
        'host_not_allowed',
        `host: expected ${host}, not ${describe(ctx.get('host'))}. The operator of this server can allow other hosts (MCP_ALLOWED_HOSTS)`,
      );
    const sentOrigin = ctx.get('origin');
    if (sentOrigin !== '' && sentOrigin !== origin && corsOrigins !== '*' && !corsOrigins.has(sentOrigin))
      throw new HttpError('origin_not_allowed', `origin: expected no Origin header, or ${origin}`);
    await next();
  };
}

/** Returns a host as a text may repeat it. */
function describe(host: string): string {
  return /^[\w.:[\]-]{1,255}$/.test(host) ? host : 'another';
}
