import {
  type AccessTokenClaims,
  InvalidAccessTokenError,
  verifyAccessTokenClaims,
} from '../../shared/resource-server/access-token-claims.ts';
import { TOKENS_PER_LIST } from '../status-lists/list-indexes.ts';
import { parseListUri } from '../status-lists/list-uri.ts';
import type { SigningKeys } from './signing-keys.ts';

/**
 * Verifies an access token that this server issued, for any audience. It does not check whether the token was revoked.
 * @throws {InvalidAccessTokenError}
 */
export type VerifyOwnToken = (token: string) => Promise<AccessTokenClaims>;

/** Creates the verifier of the access tokens that this server issued. */
export function createOwnTokenVerifier({
  issuer,
  signingKeys,
}: {
  issuer: string;
  signingKeys: Pick<SigningKeys, 'find'>;
}): VerifyOwnToken {
  return async function verifyOwnToken(token) {
    const claims = await verifyAccessTokenClaims(token, { issuer, findKey: signingKeys.find });
    const { idx, uri } = claims.status.status_list;
    // a revocation of a status that no list can have would stop the status lists
    if (parseListUri(issuer, uri) === undefined || idx >= TOKENS_PER_LIST) throw new InvalidAccessTokenError('invalid');
    return claims;
  };
}
