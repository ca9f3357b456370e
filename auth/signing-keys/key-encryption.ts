import { CompactEncrypt, compactDecrypt } from 'jose';
import type { KeyEncryptionKeys } from './key-encryption-key.ts';

/** Encrypts a secret for the database: a compact JWE (RFC 7516) with the first key encryption key. */
export function encryptSecret(secret: Uint8Array, [key]: KeyEncryptionKeys): Promise<string> {
  return new CompactEncrypt(secret).setProtectedHeader({ alg: 'dir', enc: 'A256GCM' }).encrypt(key);
}

/**
 * Decrypts a secret from the database with whichever key encryption key fits. `isCurrent` is false when that is another one
 * than the first, so that the secret should be encrypted again.
 * @param name of the secret, for the error.
 * @throws {SecretUnreadableError} when no key fits.
 */
export async function decryptSecret(
  name: string,
  encrypted: string,
  keys: KeyEncryptionKeys,
): Promise<{ secret: Uint8Array; isCurrent: boolean }> {
  let cause: unknown;
  for (const [place, key] of keys.entries()) {
    try {
      return { secret: (await compactDecrypt(encrypted, key)).plaintext, isCurrent: place === 0 };
    } catch (error) {
      cause = error;
    }
  }
  throw new SecretUnreadableError(name, cause);
}

/** A signing key or server secret in the database cannot be decrypted. */
class SecretUnreadableError extends Error {
  override readonly name = 'SecretUnreadableError';

  constructor(name: string, cause: unknown) {
    super(
      `The ${name} in the database cannot be decrypted. It was encrypted with another key encryption key. ` +
        'Set AUTH_KEY_ENCRYPTION_KEY to that key, or restore the file key-encryption-key in the data directory. ' +
        'To replace the key, give the new and the old one together.',
      { cause },
    );
  }
}
