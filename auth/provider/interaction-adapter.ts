import { type Adapter, errors } from 'oidc-provider';
import { createArtifactAdapter, hashArtifactId, withoutSecrets } from './artifact-adapter.ts';
import type { Execute } from './execute.ts';

/**
 * Creates the storage of interactions, each of which is completed once. oidc-provider reads an interaction, stores the
 * decision of the person, and deletes it when the browser goes on. If the person clicks twice, the second decision must
 * neither store a deleted interaction again, nor lead to a second authorization code.
 */
export function createInteractionAdapter(execute: Execute): Adapter {
  const artifacts = createArtifactAdapter(execute, 'Interaction');
  return {
    ...artifacts,
    async upsert(id, payload, expiresIn) {
      if (payload.result === undefined) {
        await artifacts.upsert(id, payload, expiresIn);
        return;
      }
      // the first decision counts: a second click on Allow is the same one, and Refuse after Allow is too late
      const updated = await execute(
        `update auth.artifact set payload = ? where model = 'Interaction' and id = ?
           and (payload -> 'result' is null or payload -> 'result' = ?::jsonb) returning id`,
        [JSON.stringify(withoutSecrets(id, payload)), hashArtifactId(id), JSON.stringify(payload.result)],
      );
      requireOne(updated);
    },
    async destroy(id) {
      const deleted = await execute("delete from auth.artifact where model = 'Interaction' and id = ? returning id", [
        hashArtifactId(id),
      ]);
      requireOne(deleted);
    },
  };
}

function requireOne(rows: readonly unknown[]): void {
  if (rows.length === 0) throw new errors.SessionNotFound('the authorization request was completed before');
}
