import { hash } from 'node:crypto';
import type Provider from 'oidc-provider';

/** Seconds that the metadata and the keys may be kept: a new key must be published that long before it signs. */
const KEEP_FOR = 300;

/**
 * Makes every address that the provider names start with its issuer. As it comes it takes them from the Host header, so
 * that whoever sends one can put an address of his own into a cached document, or into the audience of an assertion.
 */
export function pinToIssuer(provider: Provider): void {
  const { host, protocol } = new URL(provider.issuer);
  Object.defineProperties(provider.request, {
    host: { get: () => host },
    protocol: { get: () => protocol.slice(0, -1) },
  });
}

/** Lets caches keep the authorization server metadata (RFC 8414) and the JWKS, and ask whether they changed. */
export function cachePublicDocuments(provider: Provider): void {
  provider.use(async function cachePublicDocuments(ctx, next) {
    await next();
    if (ctx.status !== 200 || (ctx.oidc?.route !== 'discovery' && ctx.oidc?.route !== 'jwks')) return;
    ctx.set('cache-control', `public, max-age=${KEEP_FOR}`);
    ctx.etag = hash('sha256', JSON.stringify(ctx.body), 'base64url');
    if (ctx.fresh) ctx.status = 304;
  });
}
