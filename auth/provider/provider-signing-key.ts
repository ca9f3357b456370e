import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { ExternalSigningKey } from 'oidc-provider';
import type { SigningKey } from '../signing-keys/signing-keys.ts';

/**
 * Creates a signing key for oidc-provider. A key on an elliptic curve signs on the main thread. An RSA signature takes too
 * long for the main thread, so oidc-provider makes it through WebCrypto.
 */
export function createProviderSigningKey(key: SigningKey): SigningKey | ExternalSigningKey {
  return key.alg === 'ES256' || key.alg === 'EdDSA' ? new EllipticCurveKey(key) : key;
}

/**
 * A key that signs on the main thread. It collects the signatures that are requested during one turn of the event loop and
 * makes them together at its end. Through WebCrypto each signature is a job of another thread, and converting an ES256
 * signature to the format of JWS takes as long as making it. This key saves a third of the cost of issuing an access token.
 */
class EllipticCurveKey extends ExternalSigningKey {
  readonly #key: SigningKey;
  readonly #privateKey: KeyObject;
  readonly #signNow: (data: Uint8Array) => Uint8Array;
  #endOfTurn: Promise<void> | undefined;

  constructor(key: SigningKey) {
    super();
    this.#key = key;
    this.#privateKey = createPrivateKey({ key, format: 'jwk' });
    this.#signNow =
      key.alg === 'ES256'
        ? (data) => concatenateHalves(sign('sha256', data, this.#privateKey))
        : (data) => sign(undefined, data, this.#privateKey);
  }

  override get kid(): string {
    return this.#key.kid;
  }

  override get alg(): string {
    return this.#key.alg;
  }

  override keyObject(): KeyObject {
    return createPublicKey(this.#privateKey);
  }

  override async sign(data: Uint8Array): Promise<Uint8Array> {
    this.#endOfTurn ??= new Promise((resolve) => {
      setImmediate(() => {
        this.#endOfTurn = undefined;
        resolve();
      });
    });
    // all signatures of this turn await one promise, so they are made before any of the requests continues
    await this.#endOfTurn;
    return this.#signNow(data);
  }
}

/** The length of R and of S in an ES256 signature (RFC 7518 §3.4). */
const HALF_BYTES = 32;

/** Converts a signature of OpenSSL, which is a DER sequence of the integers R and S, to the format of JWS. */
function concatenateHalves(der: Buffer): Buffer {
  const halves = Buffer.alloc(2 * HALF_BYTES);
  let integer = 2;
  for (const end of [HALF_BYTES, 2 * HALF_BYTES]) {
    const length = der.readUInt8(integer + 1);
    const next = integer + 2 + length;
    // a DER integer has no leading zeros, except for one zero where it would be negative otherwise
    const kept = Math.min(length, HALF_BYTES);
    der.copy(halves, end - kept, next - kept, next);
    integer = next;
  }
  return halves;
}
