import type { EntityManager } from '@mikro-orm/core';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { CompactEncrypt, calculateJwkThumbprint, compactDecrypt, exportJWK, generateKeyPair, type JWK } from 'jose';
import { BY_ITSELF, insertSuccess } from '../audit/audit.ts';
import type { KeyEncryptionKey } from './key-encryption-key.ts';
import { toPublicJwk } from './public-jwk.ts';
import { type SigningAlgorithm, SigningKeyEntity } from './signing-key.entity.ts';

/** A private key as a JWK (RFC 7517 §4). */
export type SigningKey = JWK & { readonly kid: string; readonly alg: SigningAlgorithm };

/**
 * The signing keys: auth signs with `active`, and publishes `all`, so that tokens of earlier keys can still be
 * verified.
 */
export type SigningKeys = { readonly active: SigningKey; readonly all: readonly SigningKey[] };

const RSA_MODULUS_BITS = 2048;

/**
 * Reads the signing keys from the database, and creates one when there is none for `algorithm`. If several processes
 * start at once, one of them creates it.
 * @throws {SigningKeyUnreadableError} when a key was encrypted with another key encryption key.
 */
export async function findOrCreateSigningKeys({
  em,
  algorithm,
  keyEncryptionKey,
}: {
  em: SqlEntityManager;
  algorithm: SigningAlgorithm;
  keyEncryptionKey: KeyEncryptionKey;
}): Promise<SigningKeys> {
  return em.fork().transactional(async (transaction) => {
    await transaction.execute("select pg_advisory_xact_lock(hashtext('auth signing keys'))");
    const all = await decryptAll(transaction);
    const newest = all.find((key) => key.alg === algorithm);
    if (newest !== undefined) return { active: newest, all };
    const active = await createKey(transaction);
    return { active, all: [active, ...all] };
  });

  async function decryptAll(transaction: EntityManager): Promise<SigningKey[]> {
    const rows = await transaction.find(SigningKeyEntity, {}, { orderBy: { createdAt: 'desc', kid: 'asc' } });
    return Promise.all(
      rows.map(async ({ kid, encryptedPrivateKey }) => {
        try {
          const { plaintext } = await compactDecrypt(encryptedPrivateKey, keyEncryptionKey);
          return JSON.parse(new TextDecoder().decode(plaintext));
        } catch (cause) {
          throw new SigningKeyUnreadableError(kid, cause);
        }
      }),
    );
  }

  async function createKey(transaction: SqlEntityManager): Promise<SigningKey> {
    const { privateKey } = await generateKeyPair(algorithm, { extractable: true, modulusLength: RSA_MODULUS_BITS });
    const jwk = await exportJWK(privateKey);
    const key = { ...jwk, kid: await calculateJwkThumbprint(jwk), alg: algorithm, use: 'sig' };
    const encryptedPrivateKey = await new CompactEncrypt(new TextEncoder().encode(JSON.stringify(key)))
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
      .encrypt(keyEncryptionKey);
    await transaction.insert(SigningKeyEntity, {
      kid: key.kid,
      alg: algorithm,
      encryptedPrivateKey,
      createdAt: new Date(),
    });
    await insertSuccess(transaction, BY_ITSELF, 'key.create', key.kid, { alg: algorithm });
    return key;
  }
}

/** Returns the public halves of `keys`, to be published (RFC 7517 §5). */
export function publicKeySet({ all }: SigningKeys): { keys: JWK[] } {
  return { keys: all.map(toPublicJwk) };
}

/** A signing key in the database cannot be decrypted. */
export class SigningKeyUnreadableError extends Error {
  override readonly name = 'SigningKeyUnreadableError';

  constructor(kid: string, cause: unknown) {
    super(
      `The signing key ${kid} in the database cannot be decrypted. It was encrypted with another key encryption key. ` +
        'Set AUTH_KEY_ENCRYPTION_KEY to that key, or restore the file key-encryption-key in the data directory.',
      { cause },
    );
  }
}
