import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { type Scope, TODO_SCOPES } from '../../shared/scopes.ts';
import { ClientEntity } from './client.entity.ts';
import { ClientSecretEntity } from './client-secret.entity.ts';
import { hashClientSecret } from './client-secret.ts';
import { insertClient, type NewClient } from './clients.ts';
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
    const isFirstStart = (await transaction.count(ClientEntity)) === 0;
    if (isFirstStart) {
      await insertClient(transaction, client('admin', 'Administrator', ['admin']));
      await insertClient(transaction, client('demo', 'Demo', TODO_SCOPES));
      await insertClient(transaction, client('mcp', 'MCP server', TODO_SCOPES, mcpClientSecret));
    }
    // the services may have moved to other addresses since the last start, and these clients go with them
    await move(transaction, 'admin', { resources: [`${issuer}/admin`] });
    await move(transaction, 'demo', { resources: [apiResource, mcpResource] });
    await move(transaction, 'mcp', { resources: [apiResource], resourceServer: mcpResource });
    if (!isFirstStart && mcpClientSecret !== undefined)
      await replaceSecret(transaction, 'mcp', hashClientSecret(mcpClientSecret));
  });

  function client(
    clientId: string,
    name: string,
    scopes: readonly Scope[],
    secret = findOrCreateCredentials(dataDirectory, clientId).OAUTH_CLIENT_SECRET,
  ): NewClient {
    return {
      clientId,
      name,
      scopes: [...scopes],
      resources: [],
      resourceServer: null,
      tokenEndpointAuthMethod: 'client_secret_basic',
      secretHash: hashClientSecret(secret),
      jwks: null,
    };
  }
}

async function move(
  transaction: SqlEntityManager,
  clientId: string,
  addresses: { resources: string[]; resourceServer?: string },
): Promise<void> {
  await transaction.nativeUpdate(ClientEntity, { clientId }, addresses);
}

async function replaceSecret(transaction: SqlEntityManager, clientId: string, hash: string): Promise<void> {
  if ((await transaction.count(ClientEntity, { clientId })) === 0) return;
  if ((await transaction.count(ClientSecretEntity, { clientId, hash })) > 0) return;
  await transaction.nativeDelete(ClientSecretEntity, { clientId });
  await transaction.insert(ClientSecretEntity, { clientId, hash });
}
