import { createArtifactAdapter, hashArtifactId, withoutSecrets } from './artifact-adapter.ts';
import type { Execute } from './execute.ts';
import type { SessionAdapter } from './session-updates.ts';

/** Creates the storage of sessions. */
export function createSessionAdapter(execute: Execute): SessionAdapter {
  return {
    ...createArtifactAdapter(execute, 'Session'),
    async replace(oldId, id, payload, expiresIn) {
      await execute(
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
