import { errors, type KoaContextWithOIDC } from 'oidc-provider';
import { CLOCK_TOLERANCE_SECONDS } from '../../shared/resource-server/access-token-claims.ts';

/** Seconds for which a client assertion may be valid at most. */
const MAX_ASSERTION_LIFETIME_SECONDS = 3_600;

/** The claims of a client assertion (RFC 7523 §3). */
type Claims = Readonly<Record<string, unknown>>;

/**
 * Creates the check of the claims of a client assertion (RFC 7523 §3). oidc-provider has verified the signature, `iss`,
 * `sub` and `exp` before, but also accepts the URL of an endpoint as the audience and any lifetime.
 */
export function createClientAssertionCheck(issuer: string) {
  return async function checkClientAssertion(_ctx: KoaContextWithOIDC, claims: Claims): Promise<void> {
    // the audience is this issuer alone: an assertion that a client made for another server is not accepted here
    if (claims.aud !== issuer) throw new errors.InvalidClientAuth('aud of a client assertion must be the issuer');
    // auth stores each jti until the assertion expires, to reject a second use
    const now = Math.floor(Date.now() / 1000);
    if (Number(claims.exp) > now + MAX_ASSERTION_LIFETIME_SECONDS)
      throw new errors.InvalidClientAuth('a client assertion must expire within an hour');
    if (Number(claims.iat ?? now) > now + CLOCK_TOLERANCE_SECONDS)
      throw new errors.InvalidClientAuth('a client assertion must not be issued in the future');
  };
}
