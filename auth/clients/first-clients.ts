import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { type Scope, TODO_SCOPES } from '../../shared/scopes.ts';
import { BY_ITSELF, insertSuccess } from '../audit/audit.ts';
import { ClientEntity } from './client.entity.ts';
import { ClientSecretEntity } from './client-secret.entity.ts';
import { hashClientSecret } from './client-secret.ts';
import { insertClient, type NewClient } from './clients.ts';
import { COMMAND_LINE_CLIENT_ID } from './command-line-client.ts';
import { findOrCreateCredentials } from './credentials-file.ts';

/**
 * Registers the clients of a new installation: `admin`, `demo`, `api` and `mcp`, which are the todo API and the MCP
 * server, and `yata`, which is the command line. The credentials are written to files before the clients are registered, so
 * that no secret is lost. At a later start it registers `api` and `yata` if they are missing, because installations of earlier
 * versions do not have them. It also updates resource identifiers that have changed, and makes the given secrets the secrets
 * of their clients: the operator sets the same secret for auth and for the resource server, and both the old and the new one
 * for auth while it changes.
 */
export async function registerFirstClients({
  em,
  issuer,
  apiResource,
  mcpResource,
  dataDirectory,
  secrets,
}: {
  em: SqlEntityManager;
  issuer: string;
  apiResource: string;
  mcpResource: string;
  dataDirectory: string;
  secrets: Readonly<Record<'api' | 'mcp', readonly [string, ...string[]] | undefined>>;
}): Promise<void> {
  const addresses = {
    admin: { resources: [`${issuer}/admin`], resourceServer: null },
    demo: { resources: [apiResource, mcpResource], resourceServer: null },
    // it requests no access tokens: it authenticates as a resource server only
    api: { resources: [], resourceServer: apiResource },
    mcp: { resources: [apiResource], resourceServer: mcpResource },
    [COMMAND_LINE_CLIENT_ID]: { resources: [apiResource, mcpResource], resourceServer: null },
  };

  await em.fork().transactional(async (transaction) => {
    // if several processes start at once, one of them registers the clients
    await transaction.execute("select pg_advisory_xact_lock(hashtext('auth first clients'))");
    if ((await transaction.count(ClientEntity)) === 0) {
      await register(transaction, newClient('admin', 'Administrator', ['admin']));
      await register(transaction, newClient('demo', 'Demo', TODO_SCOPES));
      await register(transaction, newClient('mcp', 'MCP server', TODO_SCOPES, secrets.mcp?.[0]));
    }
    if ((await transaction.count(ClientEntity, { clientId: 'api' })) === 0)
      await register(transaction, newClient('api', 'Todo API', ['todos:read'], secrets.api?.[0]));
    if ((await transaction.count(ClientEntity, { clientId: COMMAND_LINE_CLIENT_ID })) === 0)
      await register(transaction, {
        clientId: COMMAND_LINE_CLIENT_ID,
        name: 'yata command line',
        scopes: [...TODO_SCOPES],
        ...addresses[COMMAND_LINE_CLIENT_ID],
        redirectUris: ['http://127.0.0.1/callback'],
        tokenEndpointAuthMethod: 'none',
        secretHash: null,
        jwks: null,
      });
    for (const [clientId, current] of Object.entries(addresses)) await updateResources(transaction, clientId, current);
    for (const [clientId, given] of Object.entries(secrets))
      if (given !== undefined) await replaceSecrets(transaction, clientId, given);
  });

  function newClient(
    clientId: Exclude<keyof typeof addresses, typeof COMMAND_LINE_CLIENT_ID>,
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
   * Updates the resource identifiers of a client when it has one that no service has any more, because the services
   * moved to other addresses since the last start. Other changes of an administrator to the client stay.
   */
  async function updateResources(
    transaction: SqlEntityManager,
    clientId: string,
    { resources, resourceServer }: { resources: string[]; resourceServer: string | null },
  ): Promise<void> {
    const known = [`${issuer}/admin`, apiResource, mcpResource];
    const found = await transaction.findOne(ClientEntity, { clientId }, { disableIdentityMap: true });
    // a client of the same id that an administrator registered for another purpose stays as it is
    if (found === null || (resourceServer !== null && found.resourceServer == null)) return;
    const changes = {
      ...(found.resources.some((resource) => !known.includes(resource)) && { resources }),
      ...(found.resourceServer != null && !known.includes(found.resourceServer) && { resourceServer }),
    };
    if (Object.keys(changes).length === 0) return;
    await transaction.nativeUpdate(ClientEntity, { clientId }, { ...changes, updatedAt: new Date() });
    await insertSuccess(transaction, BY_ITSELF, 'client.change', clientId, changes);
  }
}

async function register(transaction: SqlEntityManager, client: NewClient): Promise<void> {
  await insertClient(transaction, client);
  await insertSuccess(transaction, BY_ITSELF, 'client.create', client.clientId, { scope: client.scopes.join(' ') });
}

/**
 * Makes `given` the only secrets of a resource server's client, unless the client was deleted. What an administrator
 * began with `clients rotate-secret --overlap` goes on: the old secret, which expires, and the new one stay.
 */
async function replaceSecrets(
  transaction: SqlEntityManager,
  clientId: string,
  given: readonly string[],
): Promise<void> {
  const hashes = [...new Set(given.map(hashClientSecret))];
  if ((await transaction.count(ClientEntity, { clientId, resourceServer: { $ne: null } })) === 0) return;
  const other = await transaction.findOne(
    ClientSecretEntity,
    { hash: { $in: hashes }, clientId: { $ne: clientId } },
    { disableIdentityMap: true },
  );
  if (other !== null) throw new SecretInUseError(clientId, other.clientId);
  const stored = await transaction.find(ClientSecretEntity, { clientId }, { disableIdentityMap: true });
  const kept = stored.filter(({ hash }) => hashes.includes(hash));
  const missing = hashes.filter((hash) => !kept.some((secret) => secret.hash === hash));
  const others = stored.filter(
    ({ hash, expiresAt }) => !hashes.includes(hash) && (expiresAt == null || kept.length === 0),
  );
  const removed = kept.some(({ expiresAt }) => expiresAt != null) ? [] : others.map(({ hash }) => hash);
  if (missing.length + removed.length === 0) return;
  await transaction.nativeDelete(ClientSecretEntity, { hash: { $in: removed } });
  for (const hash of missing) await transaction.insert(ClientSecretEntity, { clientId, hash });
  await insertSuccess(transaction, BY_ITSELF, 'client.rotate-secret', clientId, {
    reason: `${clientId.toUpperCase()}_CLIENT_SECRET has changed`,
  });
}

/** A declared secret of a resource server is that of another client. */
class SecretInUseError extends Error {
  override readonly name = 'SecretInUseError';

  constructor(clientId: string, other: string) {
    super(
      `${clientId.toUpperCase()}_CLIENT_SECRET is the secret of the client ${other}. Each client has a secret of its own: create one with \`openssl rand -base64 32 | tr -d = | tr +/ -_\`.`,
    );
  }
}
