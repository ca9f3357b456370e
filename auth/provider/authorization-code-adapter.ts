import { type Adapter, errors } from 'oidc-provider';
import { createArtifactAdapter, hashArtifactId } from './artifact-adapter.ts';
import type { Execute } from './execute.ts';
import { findWithConnection } from './token-connection.ts';

/**
 * Creates the storage of authorization codes. To detect a second use, oidc-provider reads and then writes. Two requests at
 * the same time would both succeed, so the write is conditional.
 */
export function createAuthorizationCodeAdapter(execute: Execute): Adapter {
  return {
    ...createArtifactAdapter(execute, 'AuthorizationCode'),
    find: (id) => findWithConnection(execute, 'AuthorizationCode', id),
    async consume(id) {
      const key = hashArtifactId(id);
      const consumed = await execute(CONSUME_SQL, [key, key]);
      if (consumed.length === 0) throw new errors.InvalidGrant('the authorization code was redeemed before');
    },
  };
}

/**
 * Marks a code as consumed, and its connection as used. The join locks the connection first, in the order in which a
 * revocation locks them. Without a connection, nothing is consumed.
 */
const CONSUME_SQL = `with used as (
    update auth.connection set last_used_at = now()
    where id = (select grant_id from auth.artifact where model = 'AuthorizationCode' and id = ?) returning id
  )
  update auth.artifact set consumed_at = now() from used
  where model = 'AuthorizationCode' and artifact.id = ? and grant_id = used.id and consumed_at is null
  returning artifact.id`;
