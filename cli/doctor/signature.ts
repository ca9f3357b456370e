import { compactVerify, createLocalJWKSet, errors, type JSONWebKeySet } from 'jose';
import { SIGNATURE_ALGORITHMS } from '../../shared/resource-server/access-token-claims.ts';
import type { Finding } from './chain.ts';
import { decodeToken } from './claims.ts';
import { BrokenLinkError, LinkNotTriedError } from './failure.ts';
import { sanitize } from './sanitize.ts';

/** Verifies the signature of an access token with the keys that its issuer publishes. */
export async function verifySignature(token: string, keys: JSONWebKeySet): Promise<Finding> {
  const decoded = decodeToken(token);
  if (decoded === undefined) throw new LinkNotTriedError('the access token is no JWT');
  const { kid } = decoded;
  const name = kid === undefined ? 'a key' : `the key ${sanitize(kid)}`;
  try {
    await compactVerify(token, createLocalJWKSet(keys), { algorithms: SIGNATURE_ALGORITHMS });
    return { found: undefined, detail: `${name} verifies it` };
  } catch (error) {
    if (error instanceof errors.JWKSNoMatchingKey)
      throw new BrokenLinkError(
        `the access token is signed with ${name}, which the JWKS does not have: it was rotated, or it expired`,
        'Publish a new key before signing with it, and an old one until its last access token ended. Restart an authorization server that still signs with the old one, and empty the cache before the JWKS.',
      );
    if (error instanceof errors.JOSEError)
      throw new BrokenLinkError(
        `the signature of the access token does not fit ${name} of the JWKS`,
        'The key that signs is another than the one that is published by this name: give each key a kid of its own, and let every process of the authorization server use the same keys.',
      );
    throw error;
  }
}
