import type { JWK } from 'jose';

/**
 * The members of a JWK that only its owner may have: those of a private key, and `k` of a symmetric key (RFC 7518
 * §6.2.2, §6.3.2, §6.4.1).
 */
export const PRIVATE_JWK_MEMBERS: readonly string[] = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

/**
 * Returns the public half of a signing key. It copies only the members that are public for the type of the key, so that
 * a private member that yata does not know is never published.
 * @throws {Error} for a type of key that has no public half.
 */
export function toPublicJwk({ kty, kid, alg, use, crv, x, y, n, e }: JWK): JWK {
  switch (kty) {
    case 'EC': // RFC 7518 §6.2.1
      return { kty, kid, alg, use, crv, x, y };
    case 'RSA': // RFC 7518 §6.3.1
      return { kty, kid, alg, use, n, e };
    case 'OKP': // RFC 8037 §2
      return { kty, kid, alg, use, crv, x };
    default:
      throw new Error(`a key of the type ${kty} cannot be published, expected EC, RSA or OKP`);
  }
}
