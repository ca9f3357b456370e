import type Provider from 'oidc-provider';
import type { KoaContextWithOIDC } from 'oidc-provider';

/** The characters that `error_description` may not have (RFC 6749 §5.2). */
const FORBIDDEN = /[^\x20\x21\x23-\x5B\x5D-\x7E]/g;

/**
 * Replaces the characters in `error_description` that RFC 6749 §5.2 forbids, such as a quotation mark in an `Origin` that
 * oidc-provider repeats.
 */
export function applyErrorDescriptions(provider: Provider): void {
  provider.on('grant.error', replaceForbidden);
  provider.on('revocation.error', replaceForbidden);
  provider.on('introspection.error', replaceForbidden);

  function replaceForbidden(ctx: KoaContextWithOIDC): void {
    const { error_description } = Object(ctx.body);
    // oidc-provider emits the event after it has written the response into ctx, and before the response is sent
    if (typeof error_description === 'string')
      ctx.body = { ...Object(ctx.body), error_description: error_description.replace(FORBIDDEN, "'") };
  }
}
