import { randomBytes } from 'node:crypto';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { CompactEncrypt, compactDecrypt } from 'jose';
import type { KeyEncryptionKey } from './key-encryption-key.ts';
import { ServerSecretEntity } from './server-secret.entity.ts';
import { SigningKeyUnreadableError } from './signing-keys.ts';

/** What each secret is for. */
const NAMES = ['cookies', 'refresh-tokens', 'forms'] as const;

/** Secrets of 256 random bits that all processes share, and that stay the same when the key encryption key changes. */
export type ServerSecrets = Readonly<Record<(typeof NAMES)[number], Buffer>>;

/**
 * Reads the secrets from the database, and creates those that are missing. If several processes start at once, one of them
 * creates them.
 * @throws {SigningKeyUnreadableError} when a secret was encrypted with another key encryption key.
 */
export async function findOrCreateServerSecrets({
  em,
  keyEncryptionKey,
}: {
  em: SqlEntityManager;
  keyEncryptionKey: KeyEncryptionKey;
}): Promise<ServerSecrets> {
  return em.fork().transactional(async (transaction) => {
    await transaction.execute("select pg_advisory_xact_lock(hashtext('auth server secrets'))");
    const rows = await transaction.find(ServerSecretEntity, {});
    const find = async (name: (typeof NAMES)[number]) => {
      const row = rows.find((stored) => stored.name === name);
      return row === undefined ? create(transaction, name) : decrypt(row);
    };
    return {
      cookies: await find('cookies'),
      'refresh-tokens': await find('refresh-tokens'),
      forms: await find('forms'),
    };
  });

  async function create(transaction: SqlEntityManager, name: string): Promise<Buffer> {
    const value = randomBytes(32);
    const encryptedValue = await new CompactEncrypt(value)
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
      .encrypt(keyEncryptionKey);
    await transaction.insert(ServerSecretEntity, { name, encryptedValue });
    return value;
  }

  async function decrypt({ name, encryptedValue }: { name: string; encryptedValue: string }): Promise<Buffer> {
    try {
      return Buffer.from((await compactDecrypt(encryptedValue, keyEncryptionKey)).plaintext);
    } catch (cause) {
      throw new SigningKeyUnreadableError(name, cause);
    }
  }
}
