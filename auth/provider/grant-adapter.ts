import type { SqlEntityManager } from '@mikro-orm/postgresql';
import Provider, { type Adapter } from 'oidc-provider';
import { requestId } from '../../shared/http/request-id.ts';
import { ConnectionEntity } from '../connections/connection.entity.ts';
import type { Connections } from '../connections/connections.ts';
import { unsupportedOperations } from './unsupported-operations.ts';

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
      const found = await forkEm().findOne(ConnectionEntity, { id }, { disableIdentityMap: true });
      if (found === null) return undefined;
      const { accountId, clientId, resource, scopes, createdAt, expiresAt } = found;
      return {
        kind: 'Grant',
        jti: id,
        accountId,
        clientId,
        resources: { [resource]: scopes.join(' ') },
        iat: Math.floor(createdAt.getTime() / 1000),
        exp: Math.floor(expiresAt.getTime() / 1000),
      };
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
