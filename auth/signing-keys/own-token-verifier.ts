import { type AccessTokenClaims, verifyAccessTokenClaims } from '../../shared/resource-server/access-token-claims.ts';
import type { PublicKeys } from './public-keys.ts';

/**
 * Verifies an access token that this server issued, for any audience. It does not check whether the token was revoked.
 * @throws {InvalidAccessTokenError}
 */
export type VerifyOwnToken = (token: string) => Promise<AccessTokenClaims>;

/** Creates the verifier of the access tokens that this server issued. */
export function createOwnTokenVerifier({
  issuer,
  publicKeys,
}: {
  issuer: string;
  publicKeys: Pick<PublicKeys, 'find'>;
}): VerifyOwnToken {
  return (token) => verifyAccessTokenClaims(token, { issuer, findKey: publicKeys.find });
}
