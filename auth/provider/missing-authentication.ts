import type Provider from 'oidc-provider';
import { errors, type KoaContextWithOIDC } from 'oidc-provider';

/** How oidc-provider describes client authentication that is missing, or that it cannot read. */
const DESCRIPTIONS: ReadonlySet<string | undefined> = new Set([
  'no client authentication mechanism provided',
  'invalid authorization header value format',
  'client_id and client_secret in the authorization header are not properly encoded',
  'client_secret must be provided in the Authorization header',
]);

/**
 * Answers 401 `invalid_client` to a request without client authentication, or with an Authorization header that is not
 * `Basic` (RFC 6749 §5.2). oidc-provider answers 400 `invalid_request`. Every 401 has a challenge (RFC 9110 §15.5.2), which
 * oidc-provider sends only to a request with the header.
 */
export function applyMissingAuthentication(provider: Provider): void {
  provider.on('grant.error', answer);
  provider.on('revocation.error', answer);
  provider.on('introspection.error', answer);

  function answer(ctx: KoaContextWithOIDC, error: errors.OIDCProviderError): void {
    // oidc-provider emits the event after it has written the response into ctx, and before the response is sent
    if (error instanceof errors.InvalidRequest && DESCRIPTIONS.has(error.error_description)) {
      const hasHeader = ctx.headers.authorization !== undefined;
      ctx.status = 401;
      ctx.body = {
        error: 'invalid_client',
        error_description: hasHeader
          ? 'Authorization: expected Basic, and the base64 of the client id, a colon and the client secret, each form-encoded'
          : 'expected client authentication, or the client_id of a public client',
      };
    }
    if (ctx.status !== 401 || ctx.response.get('www-authenticate')) return;
    const problem = ctx.headers.authorization === undefined ? '' : ', error="invalid_client"';
    ctx.set('www-authenticate', `Basic realm="${provider.issuer}"${problem}`);
  }
}
