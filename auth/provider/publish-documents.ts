import { hash } from 'node:crypto';
import type { JWK } from 'jose';
import type { Middleware } from 'koa';
import { answerWithEntityTag } from '../../shared/http/entity-tag.ts';
import { TODO_SCOPES } from '../../shared/scopes.ts';
import type { SigningKeys } from '../signing-keys/signing-keys.ts';

/** Seconds for which a client may cache the metadata and the keys. A verifier that meets an unknown key fetches at once. */
const CACHE_SECONDS = 300;

/** Members about claims of ID tokens and userinfo. auth issues neither. */
const OPENID_MEMBERS = ['claims_supported', 'claim_types_supported', 'claims_parameter_supported'];

/**
 * Completes the authorization server metadata (RFC 8414) and the JWKS. oidc-provider sends them without `Cache-Control`
 * and `ETag`, adds the scope `openid`, which is never granted, and claims of ID tokens, and reads the keys only when it is
 * created.
 */
export function publishDocuments({ keySet }: Pick<SigningKeys, 'keySet'>): Middleware {
  return async function publishDocuments(ctx, next) {
    await next();
    const route = ctx.oidc?.route;
    if (ctx.status !== 200 || (route !== 'discovery' && route !== 'jwks')) return;
    const published = await keySet();
    ctx.body = route === 'discovery' ? completeMetadata(ctx.body, published) : published;
    ctx.set('cache-control', `public, max-age=${CACHE_SECONDS}`);
    answerWithEntityTag(ctx, hash('sha256', JSON.stringify(ctx.body), 'base64url'));
  };
}

function completeMetadata(
  metadata: Readonly<Record<string, unknown>>,
  { keys }: { readonly keys: readonly JWK[] },
): Record<string, unknown> {
  const kept = Object.entries(metadata).filter(([member]) => !OPENID_MEMBERS.includes(member));
  return {
    ...Object.fromEntries(kept),
    // hosts ask for every scope that is listed: `admin` is in the metadata of its resource alone
    scopes_supported: TODO_SCOPES,
    response_modes_supported: ['query'],
    introspection_signing_alg_values_supported: [...new Set(keys.map(({ alg }) => alg))],
  };
}
