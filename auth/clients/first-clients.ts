import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { type Scope, TODO_SCOPES } from '../../shared/scopes.ts';
import { AT_START, insertSuccess } from '../audit/audit.ts';
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
  const addresses = {
    admin: { resources: [`${issuer}/admin`], resourceServer: null },
    demo: { resources: [apiResource, mcpResource], resourceServer: null },
    mcp: { resources: [apiResource], resourceServer: mcpResource },
  };

  await em.fork().transactional(async (transaction) => {
    // of several processes that start at once, one does this
    await transaction.execute("select pg_advisory_xact_lock(hashtext('auth first clients'))");
    if ((await transaction.count(ClientEntity)) === 0) {
      await register(transaction, client('admin', 'Administrator', ['admin']));
      await register(transaction, client('demo', 'Demo', TODO_SCOPES));
      await register(transaction, client('mcp', 'MCP server', TODO_SCOPES, mcpClientSecret));
      return;
    }
    for (const [clientId, own] of Object.entries(addresses)) await move(transaction, clientId, own);
    if (mcpClientSecret !== undefined) await replaceSecret(transaction, 'mcp', hashClientSecret(mcpClientSecret));
  });

  function client(
    clientId: keyof typeof addresses,
    name: string,
    scopes: readonly Scope[],
    secret = findOrCreateCredentials(dataDirectory, clientId).OAUTH_CLIENT_SECRET,
  ): NewClient {
    return {
      clientId,
      name,
      scopes: [...scopes],
      ...addresses[clientId],
      tokenEndpointAuthMethod: 'client_secret_basic',
      secretHash: hashClientSecret(secret),
      jwks: null,
    };
  }

  /**
   * The services may have moved to other addresses since the last start, and these clients go with them: where one has an
   * address that is nobody's any more. What an administrator made of them otherwise stays.
   */
  async function move(
    transaction: SqlEntityManager,
    clientId: string,
    { resources, resourceServer }: { resources: string[]; resourceServer: string | null },
  ): Promise<void> {
    const known = [`${issuer}/admin`, apiResource, mcpResource];
    const found = await transaction.findOne(ClientEntity, { clientId }, { disableIdentityMap: true });
    if (found === null) return;
    const moved = {
      ...(found.resources.some((resource) => !known.includes(resource)) && { resources }),
      ...(found.resourceServer != null && !known.includes(found.resourceServer) && { resourceServer }),
    };
    if (Object.keys(moved).length === 0) return;
    await transaction.nativeUpdate(ClientEntity, { clientId }, { ...moved, updatedAt: new Date() });
    await insertSuccess(transaction, AT_START, 'client.change', clientId, moved);
  }
}

async function register(transaction: SqlEntityManager, newClient: NewClient): Promise<void> {
  await insertClient(transaction, newClient);
  await insertSuccess(transaction, AT_START, 'client.create', newClient.clientId, {
    scope: newClient.scopes.join(' '),
  });
}

async function replaceSecret(transaction: SqlEntityManager, clientId: string, hash: string): Promise<void> {
  if ((await transaction.count(ClientEntity, { clientId })) === 0) return;
  if ((await transaction.count(ClientSecretEntity, { clientId, hash })) > 0) return;
  await transaction.nativeDelete(ClientSecretEntity, { clientId });
  await transaction.insert(ClientSecretEntity, { clientId, hash });
  await insertSuccess(transaction, AT_START, 'client.rotate-secret', clientId, {
    reason: 'MCP_CLIENT_SECRET is another',
  });
}
