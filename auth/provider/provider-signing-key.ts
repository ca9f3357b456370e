import {
  constants,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  type SignKeyObjectInput,
  sign,
} from 'node:crypto';
import { promisify } from 'node:util';
import { decodeProtectedHeader } from 'jose';
import { ExternalSigningKey } from 'oidc-provider';
import type { SigningKey } from '../signing-keys/key-store.ts';
import type { SigningKeys } from '../signing-keys/signing-keys.ts';

/**
 * The key of oidc-provider, which is whichever key signs at the time. oidc-provider reads `kid` and `alg` together and calls
 * `sign` later, so `sign` uses the key that the header of the token names.
 *
 * A key on an elliptic curve signs on the main thread. `sign` collects the signatures that are requested during one turn of
 * the event loop and makes them together at its end. Through WebCrypto each signature is a job of another thread, and
 * converting an ES256 signature to the format of JWS takes as long as making it. This saves a third of the cost of issuing an
 * access token. An RSA signature takes too long for the main thread.
 */
export class ProviderSigningKey extends ExternalSigningKey {
  readonly #keys: Pick<SigningKeys, 'active' | 'get'>;
  readonly #privateKeys = new WeakMap<SigningKey, KeyObject>();
  #endOfTurn: Promise<void> | undefined;

  constructor(keys: Pick<SigningKeys, 'active' | 'get'>) {
    super();
    this.#keys = keys;
  }

  override get kid(): string {
    return this.#keys.active().kid;
  }

  override get alg(): string {
    return this.#keys.active().alg;
  }

  override get kty(): string {
    return this.#keys.active().kty ?? '';
  }

  override get crv(): string | undefined {
    return this.#keys.active().crv;
  }

  override keyObject(): KeyObject {
    return createPublicKey(this.#privateKey(this.#keys.active()));
  }

  override async sign(data: Uint8Array): Promise<Uint8Array> {
    const { kid = '' } = decodeProtectedHeader(`${Buffer.from(data).toString('latin1')}.`);
    const key = this.#keys.get(kid);
    if (key === undefined) throw new Error(`the signing key ${kid} is gone`);
    const privateKey = this.#privateKey(key);
    if (key.alg === 'PS256') return signOnAnotherThread({ key: privateKey, ...PSS }, data);
    if (key.alg === 'RS256') return signOnAnotherThread({ key: privateKey }, data);
    this.#endOfTurn ??= new Promise((resolve) => {
      setImmediate(() => {
        this.#endOfTurn = undefined;
        resolve();
      });
    });
    // all signatures of this turn await one promise, so they are made before any of the requests continues
    await this.#endOfTurn;
    return key.alg === 'ES256'
      ? concatenateHalves(sign('sha256', data, privateKey))
      : sign(undefined, data, privateKey);
  }

  #privateKey(key: SigningKey): KeyObject {
    const privateKey = this.#privateKeys.get(key) ?? createPrivateKey({ key, format: 'jwk' });
    this.#privateKeys.set(key, privateKey);
    return privateKey;
  }
}

/** The padding of PS256: a salt as long as the hash (RFC 7518 §3.5). */
const PSS = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };

const signAsynchronously = promisify<string, Uint8Array, SignKeyObjectInput, Buffer>(sign);

function signOnAnotherThread(key: SignKeyObjectInput, data: Uint8Array): Promise<Uint8Array> {
  return signAsynchronously('sha256', data, key);
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
