import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { type Scope, TODO_SCOPES } from '../../shared/scopes.ts';
import { ClientEntity } from './client.entity.ts';
import { hashClientSecret } from './client-secret.ts';
import type { NewClient } from './clients.ts';
import { findOrCreateCredentials } from './credentials-file.ts';

/**
 * Registers the clients that a new installation starts with: `admin`, `demo`, and `mcp`, which the MCP server is. Their
 * credentials are on disk before they are registered, so that no secret is ever lost. Later, when `mcpClientSecret` is
 * given, it becomes the secret of `mcp`: whoever starts both decides what they share.
 */
export async function registerFirstClients({
  em,
  issuer,
  apiResource,
  mcpResource,
  dataDirectory,
  mcpClientSecret,
}: {
  em: SqlEntityManager;
  issuer: string;
  apiResource: string;
  mcpResource: string;
  dataDirectory: string;
  mcpClientSecret: string | undefined;
}): Promise<void> {
  await em.fork().transactional(async (transaction) => {
    // of several processes that start at once, one does this
    await transaction.execute("select pg_advisory_xact_lock(hashtext('auth first clients'))");
    if ((await transaction.count(ClientEntity)) === 0) {
      await transaction.insertMany(ClientEntity, [
        client('admin', 'Administrator', ['admin'], [`${issuer}/admin`]),
        client('demo', 'Demo', TODO_SCOPES, [apiResource, mcpResource]),
        { ...client('mcp', 'MCP server', TODO_SCOPES, [apiResource], mcpClientSecret), resourceServer: mcpResource },
      ]);
    } else if (mcpClientSecret !== undefined) {
      const secretHash = hashClientSecret(mcpClientSecret);
      await transaction.nativeUpdate(
        ClientEntity,
        { clientId: 'mcp', secretHash: { $ne: secretHash } },
        { secretHash },
      );
    }
  });

  function client(
    clientId: string,
    name: string,
    scopes: readonly Scope[],
    resources: string[],
    secret = findOrCreateCredentials(dataDirectory, clientId).OAUTH_CLIENT_SECRET,
  ): NewClient {
    return {
      clientId,
      name,
      scopes: [...scopes],
      resources,
      resourceServer: null,
      tokenEndpointAuthMethod: 'client_secret_basic',
      secretHash: hashClientSecret(secret),
      jwks: null,
    };
  }
}
