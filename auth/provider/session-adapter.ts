import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { createArtifactAdapter, hashArtifactId, withoutSecrets } from './artifact-adapter.ts';
import type { SessionAdapter } from './session-updates.ts';

/** Creates the storage of sessions. */
export function createSessionAdapter(forkEm: () => SqlEntityManager): SessionAdapter {
  return {
    ...createArtifactAdapter(forkEm, 'Session'),
    async replace(oldId, id, payload, expiresIn) {
      await forkEm().execute(
        `update auth.artifact set id = ?, payload = ?, account_id = ?, expires_at = ?
         where model = 'Session' and id = ?`,
        [
          hashArtifactId(id),
          JSON.stringify(withoutSecrets(id, payload)),
          payload.accountId ?? null,
          new Date(Date.now() + expiresIn * 1000),
          hashArtifactId(oldId),
        ],
      );
    },
  };
}
