import { randomBytes } from 'node:crypto';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { decryptSecret, encryptSecret } from './key-encryption.ts';
import type { KeyEncryptionKeys } from './key-encryption-key.ts';
import { ServerSecretEntity } from './server-secret.entity.ts';

/** What each secret is for. */
const NAMES = ['cookies', 'refresh-tokens', 'forms'] as const;

/** Secrets of 256 random bits that all processes share, and that stay the same when the key encryption key changes. */
export type ServerSecrets = Readonly<Record<(typeof NAMES)[number], Buffer>>;

/**
 * Reads the secrets from the database, and creates those that are missing. If several processes start at once, one of them
 * creates them. It encrypts those again that another than the first key encryption key encrypted.
 * @throws {SecretUnreadableError} when a secret was encrypted with another key encryption key.
 */
export async function findOrCreateServerSecrets({
  em,
  keyEncryptionKeys,
}: {
  em: SqlEntityManager;
  keyEncryptionKeys: KeyEncryptionKeys;
}): Promise<ServerSecrets> {
  return em.fork().transactional(async (transaction) => {
    await transaction.execute("select pg_advisory_xact_lock(hashtext('auth server secrets'))");
    const rows = await transaction.find(ServerSecretEntity, {});
    const find = async (name: (typeof NAMES)[number]) => {
      const row = rows.find((stored) => stored.name === name);
      return row === undefined ? create(transaction, name) : decrypt(transaction, row);
    };
    return {
      cookies: await find('cookies'),
      'refresh-tokens': await find('refresh-tokens'),
      forms: await find('forms'),
    };
  });

  async function create(transaction: SqlEntityManager, name: string): Promise<Buffer> {
    const value = randomBytes(32);
    await transaction.insert(ServerSecretEntity, {
      name,
      encryptedValue: await encryptSecret(value, keyEncryptionKeys),
    });
    return value;
  }

  async function decrypt(
    transaction: SqlEntityManager,
    { name, encryptedValue }: { name: string; encryptedValue: string },
  ): Promise<Buffer> {
    const { secret, isCurrent } = await decryptSecret(`secret ${name}`, encryptedValue, keyEncryptionKeys);
    if (!isCurrent)
      await transaction.nativeUpdate(
        ServerSecretEntity,
        { name },
        { encryptedValue: await encryptSecret(secret, keyEncryptionKeys) },
      );
    return Buffer.from(secret);
  }
}
