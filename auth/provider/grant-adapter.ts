import Provider, { type Adapter } from 'oidc-provider';
import { requestId } from '../../shared/http/request-id.ts';
import type { Connections } from '../connections/connections.ts';
import type { Execute } from './execute.ts';
import { GRANT_COLUMNS, type GrantColumns, toGrant } from './grant.ts';
import { findGrantOfToken } from './token-connection.ts';
import { unsupportedOperations } from './unsupported-operations.ts';

/**
 * Creates the storage of grants: a grant of oidc-provider is a connection. The consent page inserts it. oidc-provider finds
 * it, and destroys it when a refresh token or an authorization code is used again, or when the client revokes its refresh
 * token (RFC 7009 §2.1).
 */
export function createGrantAdapter({
  execute,
  connections,
}: {
  execute: Execute;
  connections: Pick<Connections, 'revoke'>;
}): Adapter {
  return {
    ...unsupportedOperations('the consent page inserts a connection'),
    async find(id) {
      const preloaded = findGrantOfToken(id);
      if (preloaded !== undefined) return preloaded;
      const [found] = await execute<GrantColumns>(`select ${GRANT_COLUMNS} from auth.connection where id = ?`, [id]);
      return found && toGrant(id, found);
    },
    async destroy(id) {
      const { ctx } = Provider;
      const reason =
        ctx?.oidc.route === 'revocation'
          ? 'revoked by the client'
          : 'a refresh token or an authorization code was used a second time';
      await connections.revoke(
        { id },
        {
          actor: ctx?.oidc.client?.clientId ?? null,
          address: ctx?.ip ?? null,
          requestId: ctx === undefined ? null : requestId(ctx),
          reason,
        },
      );
    },
    async revokeByGrantId() {},
  };
}
