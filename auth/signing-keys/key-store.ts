import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose';
import { BY_ITSELF, insertSuccess, type RequestOrigin } from '../audit/audit.ts';
import { decryptSecret, encryptSecret } from './key-encryption.ts';
import type { KeyEncryptionKeys } from './key-encryption-key.ts';
import type { SigningAlgorithm } from './signing-algorithms.ts';
import { SigningKeyEntity } from './signing-key.entity.ts';

/** A private key as a JWK (RFC 7517 §4). */
export type SigningKey = JWK & { readonly kid: string; readonly alg: SigningAlgorithm };

/** A signing key as it is stored. Times are in milliseconds since the epoch. */
export type StoredKey = {
  readonly kid: string;
  readonly alg: SigningAlgorithm;
  readonly encryptedPrivateKey: string;
  readonly createdAt: number;
  readonly signsFrom: number;
  readonly publishedUntil: number | null;
  readonly revokedAt: number | null;
};

/** What a new key needs: how it signs, how it is encrypted, and how long the tokens of its predecessors can be valid. */
export type KeySettings = {
  readonly algorithm: SigningAlgorithm;
  readonly keyEncryptionKeys: KeyEncryptionKeys;
  /** In seconds. */
  readonly accessTokenTtl: number;
};

const RSA_MODULUS_BITS = 2048;

const COLUMNS = `kid, alg, encrypted_private_key as "encryptedPrivateKey",
  extract(epoch from created_at)::float8 * 1000 as "createdAt", extract(epoch from signs_from)::float8 * 1000 as "signsFrom",
  extract(epoch from published_until)::float8 * 1000 as "publishedUntil",
  extract(epoch from revoked_at)::float8 * 1000 as "revokedAt"`;

/** Reads the keys that are published, and those that were revoked: the key that signs last is first. */
export function readKeys(em: SqlEntityManager): Promise<StoredKey[]> {
  return em.execute<StoredKey[]>(
    `select ${COLUMNS} from auth.signing_key
     where published_until is null or published_until > now() or revoked_at is not null order by signs_from desc, kid`,
  );
}

/** As `readKeys`, in a transaction that is the only one to change keys until its end. */
export async function lockKeys(transaction: SqlEntityManager): Promise<StoredKey[]> {
  await transaction.execute("select pg_advisory_xact_lock(hashtext('auth signing keys'))");
  return readKeys(transaction);
}

/** Returns the key that signs last: the next one where there is one, otherwise the active one. */
export function findNewest(keys: readonly StoredKey[]): StoredKey | undefined {
  return keys.find(({ revokedAt }) => revokedAt === null);
}

/** @throws {SecretUnreadableError} when it was encrypted with another key encryption key. */
export async function decryptKey(
  { kid, encryptedPrivateKey }: StoredKey,
  keys: KeyEncryptionKeys,
): Promise<{ key: SigningKey; isCurrent: boolean }> {
  const { secret, isCurrent } = await decryptSecret(`signing key ${kid}`, encryptedPrivateKey, keys);
  return { key: JSON.parse(new TextDecoder().decode(secret)), isCurrent };
}

/** Encrypts a stored key with the first key encryption key. */
export async function encryptAgain(
  transaction: SqlEntityManager,
  key: SigningKey,
  keys: KeyEncryptionKeys,
): Promise<void> {
  const encryptedPrivateKey = await encryptSecret(encode(key), keys);
  await transaction.nativeUpdate(SigningKeyEntity, { kid: key.kid }, { encryptedPrivateKey });
}

/**
 * Creates a key that signs after `seconds`, as the successor of every other key.
 * @returns its id.
 */
export async function createKey(
  transaction: SqlEntityManager,
  settings: KeySettings,
  { seconds, origin = BY_ITSELF }: { seconds: number; origin?: RequestOrigin },
): Promise<string> {
  const { algorithm, keyEncryptionKeys } = settings;
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true, modulusLength: RSA_MODULUS_BITS });
  const jwk = await exportJWK(privateKey);
  const key = { ...jwk, kid: await calculateJwkThumbprint(jwk), alg: algorithm, use: 'sig' };
  await transaction.execute(
    `insert into auth.signing_key (kid, alg, encrypted_private_key, signs_from) values (?, ?, ?, 'infinity')`,
    [key.kid, algorithm, await encryptSecret(encode(key), keyEncryptionKeys)],
  );
  await bringForward(transaction, key.kid, seconds);
  await retainPredecessors(transaction, settings);
  await insertSuccess(transaction, origin, 'key.create', key.kid, { alg: algorithm, signs_in: seconds });
  return key.kid;
}

/**
 * Lets a key sign after `seconds`, unless it signs earlier already. No other key signs after it: one that was to sign later has
 * its turn a millisecond before.
 */
export async function bringForward(transaction: SqlEntityManager, kid: string, seconds: number): Promise<void> {
  await transaction.execute(
    "update auth.signing_key set signs_from = least(signs_from, now() + ? * interval '1 second') where kid = ?",
    [seconds, kid],
  );
  await transaction.execute(
    `update auth.signing_key set signs_from = least(signs_from, (
       select signs_from - interval '1 millisecond' from auth.signing_key where kid = ?))
     where kid <> ? and revoked_at is null`,
    [kid, kid],
  );
}

/**
 * Sees to it that every key except the last one stays published until its last token and status list have expired, and five
 * minutes longer, for clocks that differ. Keys that signed before the active one have their time already.
 */
export async function retainPredecessors(
  transaction: SqlEntityManager,
  { accessTokenTtl }: Pick<KeySettings, 'accessTokenTtl'>,
): Promise<void> {
  // a list lives for up to one lifetime of a token longer than the first token on it
  await transaction.execute(
    `with valid as (select kid, signs_from from auth.signing_key where revoked_at is null),
       last as (select * from valid order by signs_from desc, kid limit 1)
     update auth.signing_key set published_until = greatest(published_until, interval '5 minutes' + greatest(
       (select signs_from from last) + 2 * ? * interval '1 second', (select max(expires_at) from auth.status_list)))
     where kid <> (select kid from last) and revoked_at is null and (published_until is null
       or signs_from >= (select max(signs_from) from valid where signs_from <= now()))`,
    [accessTokenTtl],
  );
}

function encode(key: SigningKey): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(key));
}
