import type { SqlEntityManager } from '@mikro-orm/postgresql';
import Provider, { type Adapter } from 'oidc-provider';
import { requestId } from '../../shared/http/request-id.ts';
import type { ConnectionRow } from '../connections/connection.entity.ts';
import type { Connections } from '../connections/connections.ts';
import { unsupportedOperations } from './unsupported-operations.ts';

type Grant = Pick<ConnectionRow, 'accountId' | 'clientId' | 'resource' | 'scopes'> & {
  readonly iat: number;
  readonly exp: number;
};

/**
 * Creates the storage of grants: a grant of oidc-provider is a connection. The consent page inserts it. oidc-provider finds
 * it, and destroys it when a refresh token or an authorization code is used again, or when the client revokes its refresh
 * token (RFC 7009 §2.1).
 */
export function createGrantAdapter({
  forkEm,
  connections,
}: {
  forkEm: () => SqlEntityManager;
  connections: Pick<Connections, 'revoke'>;
}): Adapter {
  return {
    ...unsupportedOperations('the consent page inserts a connection'),
    async find(id) {
      const [found] = await forkEm().execute<Grant[]>(
        `select account_id as "accountId", client_id as "clientId", resource, scopes,
           floor(extract(epoch from created_at))::float8 as iat, floor(extract(epoch from expires_at))::float8 as exp
         from auth.connection where id = ?`,
        [id],
      );
      if (found === undefined) return undefined;
      const { resource, scopes, ...grant } = found;
      return { ...grant, kind: 'Grant', jti: id, resources: { [resource]: scopes.join(' ') } };
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
