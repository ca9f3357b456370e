import { createPublicKey, type JsonWebKey } from 'node:crypto';

/** A public key of a client, of a type with which auth verifies client assertions (RFC 7518 §6, RFC 8037 §2). */
type PublicKey =
  | { readonly kty: 'EC'; readonly crv: 'P-256'; readonly x: string; readonly y: string }
  | { readonly kty: 'OKP'; readonly crv: 'Ed25519'; readonly x: string }
  | { readonly kty: 'RSA'; readonly n: string; readonly e: string };

const COORDINATE_BYTES = 32;
const MIN_MODULUS_BITS = 2048;
const MAX_EXPONENT_BITS = 64;

/**
 * Finds out why no signature could ever be verified with a public key: the member that is wrong, and what is expected.
 * Returns undefined for a key that can be used.
 */
export function findKeyProblem(key: PublicKey): { member: string; expected: string } | undefined {
  switch (key.kty) {
    case 'EC': {
      const wrong = (['x', 'y'] as const).find((member) => byteLength(key[member]) !== COORDINATE_BYTES);
      if (wrong !== undefined) return { member: wrong, expected: `${COORDINATE_BYTES} bytes in base64url` };
      return canImport(key) ? undefined : { member: 'x', expected: 'with y a point on the curve P-256' };
    }
    case 'OKP':
      return byteLength(key.x) === COORDINATE_BYTES && canImport(key)
        ? undefined
        : { member: 'x', expected: `an Ed25519 public key, ${COORDINATE_BYTES} bytes in base64url` };
    case 'RSA': {
      const [modulus, exponent] = [toInteger(key.n), toInteger(key.e)];
      if (bitLength(modulus) < MIN_MODULUS_BITS || !isOdd(modulus))
        return { member: 'n', expected: `an odd number of at least ${MIN_MODULUS_BITS} bits` };
      if (exponent < 3n || !isOdd(exponent) || bitLength(exponent) > MAX_EXPONENT_BITS)
        return { member: 'e', expected: `an odd number from 3, of at most ${MAX_EXPONENT_BITS} bits, such as AQAB` };
      return canImport(key) ? undefined : { member: 'n', expected: 'an RSA public key' };
    }
  }
}

function canImport(key: PublicKey): boolean {
  try {
    createPublicKey({ key: { ...key } satisfies JsonWebKey, format: 'jwk' });
    return true;
  } catch {
    return false;
  }
}

function byteLength(base64url: string): number {
  return Buffer.from(base64url, 'base64url').length;
}

function toInteger(base64url: string): bigint {
  return BigInt(`0x${Buffer.from(base64url, 'base64url').toString('hex') || '0'}`);
}

function bitLength(value: bigint): number {
  return value.toString(2).length;
}

function isOdd(value: bigint): boolean {
  return value % 2n === 1n;
}
