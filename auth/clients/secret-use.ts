import type { EntityManager } from '@mikro-orm/core';
import { ClientSecretEntity } from './client-secret.entity.ts';

/** Records when each secret was last used. */
export type SecretUse = {
  /** Records in memory that a client authenticated with the secret of this hash. */
  readonly record: (hash: string) => void;
  /** Writes what was recorded since the last write to the database. */
  readonly flush: () => Promise<void>;
};

/** Creates the record of when each secret was last used. What was not flushed when the process is killed is lost. */
export function createSecretUse(em: EntityManager): SecretUse {
  const lastUsedAt = new Map<string, number>();
  return {
    record: (hash) => lastUsedAt.set(hash, Date.now()),
    async flush() {
      // an entry is removed only after it was written, so that nothing is lost while the database is unreachable
      for (const [hash, usedAt] of [...lastUsedAt]) {
        // another process may have recorded a later use
        const earlier = { hash, $or: [{ lastUsedAt: null }, { lastUsedAt: { $lt: new Date(usedAt) } }] };
        await em.fork().nativeUpdate(ClientSecretEntity, earlier, { lastUsedAt: new Date(usedAt) });
        if (lastUsedAt.get(hash) === usedAt) lastUsedAt.delete(hash);
      }
    },
  };
}
