import type { EntityManager } from '@mikro-orm/core';
import { ClientSecretEntity } from './client-secret.entity.ts';

/** When each secret was last used. */
export type SecretUse = {
  /** A client proved to have the secret of this hash. It costs no database write: `write` brings it there. */
  readonly note: (hash: string) => void;
  /** Writes what was noted since the last time. */
  readonly write: () => Promise<void>;
};

/** Creates the note of when each secret was last used. What was not written when the process is killed is lost. */
export function createSecretUse(em: EntityManager): SecretUse {
  const used = new Map<string, number>();
  return {
    note: (hash) => used.set(hash, Date.now()),
    async write() {
      // each is forgotten once it is written: while the database is away they wait
      for (const [hash, lastUsedAt] of [...used]) {
        const at = new Date(lastUsedAt);
        // another process may have seen it later
        const older = { hash, $or: [{ lastUsedAt: null }, { lastUsedAt: { $lt: at } }] };
        await em.fork().nativeUpdate(ClientSecretEntity, older, { lastUsedAt: at });
        if (used.get(hash) === lastUsedAt) used.delete(hash);
      }
    },
  };
}
