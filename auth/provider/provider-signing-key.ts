import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { ExternalSigningKey } from 'oidc-provider';
import type { SigningKey } from '../signing-keys/signing-keys.ts';

/** A key as oidc-provider takes it. One on an elliptic curve signs here; RSA takes too long to do it on the main thread. */
export function createProviderSigningKey(key: SigningKey): SigningKey | ExternalSigningKey {
  return key.alg === 'ES256' || key.alg === 'EdDSA' ? new EllipticCurveKey(key) : key;
}

/**
 * A key that signs on the main thread, all that one turn of the event loop asked for together, at its end. Through
 * WebCrypto each signature is a job of another thread, and one with ES256 takes as long to be put into the form of a JWS
 * as to be made. This spares a third of what issuing an access token costs.
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
    // one promise for all: their signatures are made before any of them goes on
    await this.#endOfTurn;
    return this.#signNow(data);
  }
}

/** Octets of each half of an ES256 signature (RFC 7518 §3.4). */
const HALF = 32;

/** Turns a signature as OpenSSL makes it, a DER sequence of the integers R and S, into one of a JWS. */
function concatenateHalves(der: Buffer): Buffer {
  const halves = Buffer.alloc(2 * HALF);
  let integer = 2;
  for (const end of [HALF, 2 * HALF]) {
    const length = der.readUInt8(integer + 1);
    const next = integer + 2 + length;
    // an integer is as short as it can be, and has a zero before it where it would else be negative
    const kept = Math.min(length, HALF);
    der.copy(halves, end - kept, next - kept, next);
    integer = next;
  }
  return halves;
}
