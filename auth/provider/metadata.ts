import { hash } from 'node:crypto';
import type { Middleware } from 'koa';
import type Provider from 'oidc-provider';
import { answerWithEntityTag } from '../../shared/http/entity-tag.ts';
import { ALL_SCOPES } from '../resource-servers/resource-servers.ts';
import type { PublicKeys } from '../signing-keys/public-keys.ts';

/** Seconds that the metadata and the keys may be kept. A verifier that meets an unknown key asks at once. */
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
export function publishDocuments({ keySet }: Pick<PublicKeys, 'keySet'>): Middleware {
  return async function publishDocuments(ctx, next) {
    await next();
    const route = ctx.oidc?.route;
    if (ctx.status !== 200 || (route !== 'discovery' && route !== 'jwks')) return;
    // the provider adds openid, which nobody is granted, and knows no key that was made after its start
    ctx.body = route === 'discovery' ? { ...ctx.body, scopes_supported: ALL_SCOPES } : await keySet();
    ctx.set('cache-control', `public, max-age=${KEEP_FOR}`);
    answerWithEntityTag(ctx, hash('sha256', JSON.stringify(ctx.body), 'base64url'));
  };
}

/** Answers what no endpoint answered: 405 with the right method where there is an endpoint, 404 elsewhere. */
export function refuseUnrouted(endpoints: Readonly<Record<string, string>>): Middleware {
  return async function refuseUnrouted(ctx, next) {
    await next();
    if (ctx.status !== 404 || ctx.body) return;
    const allow = endpoints[ctx.path];
    // an endpoint that was asked in the right way has said itself that there is nothing
    if (allow === ctx.method) return;
    const error_description =
      allow === undefined ? 'there is no such endpoint' : `the method of this endpoint is ${allow}`;
    ctx.status = allow === undefined ? 404 : 405;
    if (allow !== undefined) ctx.set('allow', allow);
    ctx.body = { error: 'invalid_request', error_description };
  };
}
