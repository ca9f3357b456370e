import { LockMode, UniqueConstraintViolationException } from '@mikro-orm/core';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { HttpError, InvalidRequestError } from '../../shared/http/http-error.ts';
import { insertSuccess, type Origin } from '../audit/audit.ts';
import { ClientEntity, type ClientRow } from '../clients/client.entity.ts';
import { ClientSecretEntity } from '../clients/client-secret.entity.ts';
import { createClientSecret, hashClientSecret } from '../clients/client-secret.ts';
import { type Clients, insertClient, isClientId } from '../clients/clients.ts';
import type { ResourceServers } from '../resource-servers/resource-servers.ts';
import { revokeLeases } from '../revocation/revocations.ts';
import type { StatusLists } from '../status-lists/status-lists.ts';
import type { ClientChanges, ClientResponse, NewClientRequest } from './contract.ts';

/** What an administrator does to clients. Each change is one transaction, with the word of it in the audit. */
export type Administration = {
  /** @throws {InvalidRequestError} when the id is taken, or a scope or resource does not fit. */
  readonly createClient: (request: NewClientRequest, origin: Origin) => Promise<ClientResponse>;
  readonly listClients: () => Promise<ClientResponse[]>;
  readonly getClient: (clientId: string) => Promise<ClientResponse>;
  /**
   * Changes a client. One that is disabled loses its access tokens in the same transaction. Throws a 409, as deletion does,
   * when nobody would be left who can administer.
   */
  readonly changeClient: (clientId: string, changes: ClientChanges, origin: Origin) => Promise<ClientResponse>;
  /** Deletes a client, and its access tokens with it. */
  readonly deleteClient: (clientId: string, origin: Origin) => Promise<void>;
  /** Makes a new secret; those that are good now stay so for `overlap` seconds. */
  readonly rotateSecret: (clientId: string, overlap: number, origin: Origin) => Promise<ClientResponse>;
};

/** Creates the administration of the clients in a database. Every call throws a 404 for a client that is not there. */
export function createAdministration({
  em,
  resourceServers,
  statusLists,
  clients,
}: {
  em: SqlEntityManager;
  resourceServers: ResourceServers;
  statusLists: Pick<StatusLists, 'catchUp'>;
  clients: Pick<Clients, 'forget'>;
}): Administration {
  return {
    async createClient(request, origin) {
      const clientId = request.client_id ?? `client-${createClientSecret().slice(0, 12)}`;
      const scopes = request.scope.split(' ');
      const resources = request.resources ?? resourcesOf(scopes);
      checkResources(resources);
      const secret = request.token_endpoint_auth_method === 'private_key_jwt' ? undefined : createClientSecret();
      await em.fork().transactional(async (transaction) => {
        await insertClient(transaction, {
          clientId,
          name: request.client_name,
          scopes,
          resources,
          resourceServer: request.resource_server ?? null,
          tokenEndpointAuthMethod: request.token_endpoint_auth_method,
          oneTokenAtATime: request.one_token_at_a_time,
          secretHash: secret === undefined ? null : hashClientSecret(secret),
          jwks: request.jwks ?? null,
        }).catch((error) => {
          throw error instanceof UniqueConstraintViolationException ? idTaken() : error;
        });
        await insertSuccess(transaction, origin, 'client.create', clientId, { scope: request.scope, resources });
      });
      return { ...(await getClient(clientId)), ...(secret !== undefined && { client_secret: secret }) };
    },
    async listClients() {
      const fork = em.fork();
      const [clients, secrets] = [
        await fork.find(ClientEntity, {}, { orderBy: { createdAt: 'asc', clientId: 'asc' } }),
        await fork.find(ClientSecretEntity, {}),
      ];
      return clients.map((client) =>
        present(
          client,
          secrets.filter(({ clientId }) => clientId === client.clientId),
        ),
      );
    },
    getClient,
    async changeClient(clientId, changes, origin) {
      await em.fork().transactional(async (transaction) => {
        const client = await lockClient(transaction, clientId);
        await transaction.nativeUpdate(
          ClientEntity,
          { clientId },
          {
            ...(changes.client_name !== undefined && { name: changes.client_name }),
            ...(changes.scope !== undefined && { scopes: changes.scope.split(' ') }),
            ...(changes.active !== undefined && { active: changes.active }),
            ...(changes.one_token_at_a_time !== undefined && { oneTokenAtATime: changes.one_token_at_a_time }),
            updatedAt: new Date(),
          },
        );
        await requireAdministrator(transaction, client);
        if (changes.active === false)
          await revokeLeases(transaction, clientId, { actor: origin.actor ?? '', reason: 'client disabled' });
        await insertSuccess(transaction, origin, actionOf(changes), clientId, changes);
      });
      clients.forget(clientId);
      await statusLists.catchUp();
      return getClient(clientId);
    },
    async deleteClient(clientId, origin) {
      await em.fork().transactional(async (transaction) => {
        const client = await lockClient(transaction, clientId);
        await transaction.nativeDelete(ClientSecretEntity, { clientId });
        await transaction.nativeDelete(ClientEntity, { clientId });
        await requireAdministrator(transaction, client);
        await revokeLeases(transaction, clientId, { actor: origin.actor ?? '', reason: 'client deleted' });
        await insertSuccess(transaction, origin, 'client.delete', clientId, {});
      });
      clients.forget(clientId);
      await statusLists.catchUp();
    },
    async rotateSecret(clientId, overlap, origin) {
      const secret = createClientSecret();
      await em.fork().transactional(async (transaction) => {
        const { tokenEndpointAuthMethod } = await lockClient(transaction, clientId);
        if (tokenEndpointAuthMethod === 'private_key_jwt') {
          throw new HttpError('client_has_no_secret', 'This client authenticates with its key and has no secret');
        }
        const end = new Date(Date.now() + overlap * 1000);
        await transaction.nativeDelete(
          ClientSecretEntity,
          overlap === 0 ? { clientId } : { clientId, expiresAt: { $lt: new Date() } },
        );
        // one that ends earlier anyway keeps its end
        await transaction.nativeUpdate(
          ClientSecretEntity,
          { clientId, $or: [{ expiresAt: null }, { expiresAt: { $gt: end } }] },
          { expiresAt: end },
        );
        await transaction.insert(ClientSecretEntity, { hash: hashClientSecret(secret), clientId });
        await insertSuccess(transaction, origin, 'client.rotate-secret', clientId, { overlap });
      });
      clients.forget(clientId);
      return { ...(await getClient(clientId)), client_secret: secret };
    },
  };

  async function getClient(clientId: string): Promise<ClientResponse> {
    const fork = em.fork();
    const client = isClientId(clientId) ? await fork.findOne(ClientEntity, { clientId }) : null;
    if (client === null) throw noSuchClient();
    return present(client, await fork.find(ClientSecretEntity, { clientId }, { orderBy: { createdAt: 'asc' } }));
  }

  /** After a change of `client`: somebody must be left who can undo it. */
  async function requireAdministrator(transaction: SqlEntityManager, client: ClientRow): Promise<void> {
    if (!client.scopes.includes('admin')) return;
    // of two administrators who disable each other at once, the second is refused
    await transaction.execute("select pg_advisory_xact_lock(hashtext('auth administrators'))");
    const [left] = await transaction.execute(
      "select 1 from auth.client where active and 'admin' = any(scopes) and ? = any(resources) limit 1",
      resourcesOf(['admin']),
    );
    if (left === undefined)
      throw new HttpError(
        'last_administrator',
        'This would leave no active client with the scope admin, and nobody who could undo it',
      );
  }

  function resourcesOf(scopes: readonly string[]): string[] {
    return resourceServers
      .filter((server) => server.scopes.some((scope) => scopes.includes(scope)))
      .map(({ resource }) => resource);
  }

  function checkResources(resources: readonly string[]): void {
    const known = resourceServers.map(({ resource }) => resource);
    const unknown = resources.findIndex((resource) => !known.includes(resource));
    if (unknown >= 0)
      throw new InvalidRequestError([{ field: `resources.${unknown}`, expected: `one of ${known.join(', ')}` }]);
  }
}

async function lockClient(transaction: SqlEntityManager, clientId: string): Promise<ClientRow> {
  const lockMode = LockMode.PESSIMISTIC_WRITE;
  const client = isClientId(clientId) ? await transaction.findOne(ClientEntity, { clientId }, { lockMode }) : null;
  if (client === null) throw noSuchClient();
  return client;
}

function actionOf({ active, scope }: ClientChanges): string {
  if (active !== undefined) return active ? 'client.enable' : 'client.disable';
  return scope === undefined ? 'client.change' : 'client.set-scope';
}

function idTaken(): InvalidRequestError {
  return new InvalidRequestError([{ field: 'client_id', expected: 'an id that no client has' }]);
}

function noSuchClient(): HttpError {
  return new HttpError('client_not_found', 'There is no client with this id', {
    fields: [{ field: 'client_id', expected: 'the id of a client' }],
  });
}

type SecretRow = { createdAt: Date; expiresAt?: Date | null; lastUsedAt?: Date | null };

function present(client: ClientRow, secrets: readonly SecretRow[]): ClientResponse {
  return {
    client_id: client.clientId,
    client_name: client.name,
    scope: client.scopes.join(' '),
    resources: client.resources,
    resource_server: client.resourceServer ?? null,
    token_endpoint_auth_method: client.tokenEndpointAuthMethod,
    one_token_at_a_time: client.oneTokenAtATime,
    active: client.active,
    created_at: client.createdAt.toISOString(),
    updated_at: client.updatedAt.toISOString(),
    secrets: secrets.map(({ createdAt, expiresAt, lastUsedAt }) => ({
      created_at: createdAt.toISOString(),
      expires_at: expiresAt?.toISOString() ?? null,
      last_used_at: lastUsedAt?.toISOString() ?? null,
    })),
  };
}
