import type Provider from 'oidc-provider';
import type { errors, KoaContextWithOIDC } from 'oidc-provider';

/**
 * Answers `unauthorized_client` (RFC 6749 §5.2) to a client that may not use the grant type that it names. oidc-provider
 * answers `invalid_request`.
 */
export function applyUnauthorizedGrants(provider: Provider): void {
  provider.on('grant.error', (ctx: KoaContextWithOIDC, { error_description }: errors.OIDCProviderError) => {
    if (error_description !== 'requested grant type is not allowed for this client') return;
    // oidc-provider emits the event after it has written the response into ctx, and before the response is sent
    ctx.body = { error: 'unauthorized_client', error_description: 'this client may not use this grant type' };
  });
}
