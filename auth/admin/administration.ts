import { LockMode, UniqueConstraintViolationException } from '@mikro-orm/core';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { HttpError, InvalidRequestError } from '../../shared/http/http-error.ts';
import { insertSuccess, type RequestOrigin } from '../audit/audit.ts';
import { hasActiveAdministrator } from '../clients/active-clients.ts';
import { ClientEntity, type ClientKey, type ClientKeys, type ClientRow } from '../clients/client.entity.ts';
import { createClientId, isClientId } from '../clients/client-id.ts';
import { computeThumbprint, findValidKeys, MAX_CLIENT_KEYS, replaceKeys } from '../clients/client-keys.ts';
import { ClientSecretEntity } from '../clients/client-secret.entity.ts';
import { createClientSecret, hashClientSecret } from '../clients/client-secret.ts';
import { type Clients, insertClient } from '../clients/clients.ts';
import { revokeConnections } from '../connections/revoke-connections.ts';
import type { ResourceServers } from '../resource-servers/resource-servers.ts';
import { revokeLeases } from '../revocation/revocations.ts';
import type { StatusLists } from '../status-lists/status-lists.ts';
import type { ClientChanges, ClientResponse, NewClientRequest } from './contract.ts';

/**
 * The management of clients by administrators. Each change is one transaction that also writes an audit event. A method
 * that takes a client id throws an `HttpError` `client_not_found` (404) when there is no such client.
 */
export type Administration = {
  /** @throws {InvalidRequestError} when another client has the id, or a resource does not exist. */
  readonly createClient: (request: NewClientRequest, origin: RequestOrigin) => Promise<ClientResponse>;
  readonly listClients: () => Promise<ClientResponse[]>;
  readonly getClient: (clientId: string) => Promise<ClientResponse>;
  /**
   * Changes a client. Disabling it revokes its access tokens in the same transaction. The keys that `changes.jwks`
   * replaces stay valid for `changes.overlap` seconds, 0 if absent.
   * @throws {InvalidRequestError} when the client would have too many valid keys.
   * @throws {HttpError} `client_has_no_keys` (409) when keys are given and the client authenticates with a secret.
   * @throws {HttpError} `last_administrator` (409) when no active administrator would remain.
   */
  readonly changeClient: (clientId: string, changes: ClientChanges, origin: RequestOrigin) => Promise<ClientResponse>;
  /**
   * Deletes a client and revokes its access tokens.
   * @throws {HttpError} `last_administrator` (409) when no active administrator would remain.
   */
  readonly deleteClient: (clientId: string, origin: RequestOrigin) => Promise<void>;
  /**
   * Creates a new secret. The current secrets stay valid for `overlapSeconds`.
   * @throws {HttpError} `client_has_no_secret` (409) when the client authenticates with a key.
   */
  readonly rotateSecret: (clientId: string, overlapSeconds: number, origin: RequestOrigin) => Promise<ClientResponse>;
};

/** Creates the management of the clients in a database. */
export function createAdministration({
  em,
  resourceServers,
  statusLists,
  clients,
}: {
  em: SqlEntityManager;
  resourceServers: ResourceServers;
  statusLists: Pick<StatusLists, 'catchUp' | 'snapshot'>;
  clients: Pick<Clients, 'invalidate'>;
}): Administration {
  const [adminResource = ''] = resourcesWith(['admin']);
  return {
    async createClient(request, origin) {
      const clientId = request.client_id ?? createClientId();
      const scopes = request.scope.split(' ');
      const resources = request.resources ?? resourcesWith(scopes);
      requireKnownResources('resources', resources);
      if (request.redirect_uris !== undefined) requireKnownResources('resources', resources, resourcesWith(scopes));
      if (request.resource_server !== undefined) requireKnownResources('resource_server', [request.resource_server]);
      const hasNoSecret = ['private_key_jwt', 'none'].includes(request.token_endpoint_auth_method);
      const created = hasNoSecret || request.client_secret !== undefined ? undefined : createClientSecret();
      const secret = request.client_secret ?? created;
      await em.fork().transactional(async (transaction) => {
        await insertClient(transaction, {
          clientId,
          name: request.client_name,
          scopes,
          resources,
          resourceServer: request.resource_server ?? null,
          tokenEndpointAuthMethod: request.token_endpoint_auth_method,
          redirectUris: request.redirect_uris ?? [],
          oneTokenAtATime: request.one_token_at_a_time,
          secretHash: secret === undefined ? null : hashClientSecret(secret),
          jwks: request.jwks ?? null,
        }).catch((error) => {
          if (!(error instanceof UniqueConstraintViolationException)) throw error;
          throw /client_secret/.test(error.message) ? secretInUse() : clientExists(clientId);
        });
        await insertSuccess(transaction, origin, 'client.create', clientId, { scope: request.scope, resources });
      });
      // the caller knows a secret that it declared
      return { ...(await getClient(clientId)), ...(created !== undefined && { client_secret: created }) };
    },
    async listClients() {
      const fork = em.fork();
      const [clients, secrets] = [
        await fork.find(ClientEntity, {}, { orderBy: { createdAt: 'asc', clientId: 'asc' } }),
        await fork.find(ClientSecretEntity, {}),
      ];
      return clients.map((client) =>
        toClientResponse(
          client,
          secrets.filter(({ clientId }) => clientId === client.clientId),
        ),
      );
    },
    getClient,
    async changeClient(clientId, changes, origin) {
      const sequence = await em.fork().transactional(async (transaction) => {
        const client = await lockClient(transaction, clientId);
        requireChangesOfKind(client, changes);
        await transaction.nativeUpdate(
          ClientEntity,
          { clientId },
          {
            ...(changes.client_name !== undefined && { name: changes.client_name }),
            ...(changes.scope !== undefined && { scopes: changes.scope.split(' ') }),
            ...(changes.active !== undefined && { active: changes.active }),
            ...(changes.one_token_at_a_time !== undefined && { oneTokenAtATime: changes.one_token_at_a_time }),
            ...(changes.jwks !== undefined && { jwks: changeKeys(client, changes.jwks.keys, changes.overlap) }),
            updatedAt: new Date(),
          },
        );
        await requireRemainingAdministrator(transaction, client);
        const revoked =
          changes.active === false ? await revokeAll(transaction, clientId, 'client disabled', origin) : undefined;
        await insertSuccess(transaction, origin, actionOf(changes), clientId, detailOf(changes));
        return revoked;
      });
      clients.invalidate(clientId);
      await statusLists.catchUp();
      // if there was nothing to revoke, the caller can wait for the newest earlier revocation
      const revocation = { sequence: sequence ?? statusLists.snapshot().sequence };
      return { ...(await getClient(clientId)), ...(changes.active === false && { revocation }) };
    },
    async deleteClient(clientId, origin) {
      await em.fork().transactional(async (transaction) => {
        const client = await lockClient(transaction, clientId);
        await transaction.nativeDelete(ClientSecretEntity, { clientId });
        await transaction.nativeDelete(ClientEntity, { clientId });
        await requireRemainingAdministrator(transaction, client);
        await revokeAll(transaction, clientId, 'client deleted', origin);
        await insertSuccess(transaction, origin, 'client.delete', clientId, {});
      });
      clients.invalidate(clientId);
      await statusLists.catchUp();
    },
    async rotateSecret(clientId, overlapSeconds, origin) {
      const secret = createClientSecret();
      await em.fork().transactional(async (transaction) => {
        const { tokenEndpointAuthMethod } = await lockClient(transaction, clientId);
        if (tokenEndpointAuthMethod === 'private_key_jwt' || tokenEndpointAuthMethod === 'none') {
          throw new HttpError(
            'client_has_no_secret',
            'This client authenticates with a key, or is public. It has no secret.',
          );
        }
        const end = new Date(Date.now() + overlapSeconds * 1000);
        await transaction.nativeDelete(
          ClientSecretEntity,
          overlapSeconds === 0 ? { clientId } : { clientId, expiresAt: { $lt: new Date() } },
        );
        // a secret that expires earlier keeps its time
        await transaction.nativeUpdate(
          ClientSecretEntity,
          { clientId, $or: [{ expiresAt: null }, { expiresAt: { $gt: end } }] },
          { expiresAt: end },
        );
        await transaction.insert(ClientSecretEntity, { hash: hashClientSecret(secret), clientId });
        await insertSuccess(transaction, origin, 'client.rotate-secret', clientId, { overlap: overlapSeconds });
      });
      clients.invalidate(clientId);
      return { ...(await getClient(clientId)), client_secret: secret };
    },
  };

  async function getClient(clientId: string): Promise<ClientResponse> {
    const fork = em.fork();
    const client = isClientId(clientId) ? await fork.findOne(ClientEntity, { clientId }) : null;
    if (client === null) throw clientNotFound();
    return toClientResponse(
      client,
      await fork.find(ClientSecretEntity, { clientId }, { orderBy: { createdAt: 'asc' } }),
    );
  }

  /** Rejects a change of `client` after which no administrator could undo it. */
  async function requireRemainingAdministrator(transaction: SqlEntityManager, client: ClientRow): Promise<void> {
    if (!client.scopes.includes('admin')) return;
    // if two administrators disable each other at the same time, the second request is rejected
    await transaction.execute("select pg_advisory_xact_lock(hashtext('auth administrators'))");
    if (!(await hasActiveAdministrator(transaction, adminResource)))
      throw new HttpError(
        'last_administrator',
        'This change would leave no active client with the scope admin, so no client could undo it.',
      );
  }

  /** Returns the resources that have at least one of these scopes. */
  function resourcesWith(scopes: readonly string[]): string[] {
    return resourceServers
      .filter((server) => server.scopes.some((scope) => scopes.includes(scope)))
      .map(({ resource }) => resource);
  }

  function requireKnownResources(
    member: string,
    resources: readonly string[],
    known = resourceServers.map(({ resource }) => resource),
  ): void {
    const unknown = resources.findIndex((resource) => !known.includes(resource));
    if (unknown < 0) return;
    const field = member === 'resources' ? `${member}.${unknown}` : member;
    throw new InvalidRequestError([{ field, expected: `one of ${known.join(', ')}` }]);
  }
}

/** Rejects what a client of persons may not have. */
function requireChangesOfKind({ redirectUris }: ClientRow, { scope, one_token_at_a_time }: ClientChanges): void {
  if (redirectUris.length === 0) return;
  if (scope?.split(' ').includes('admin'))
    throw new InvalidRequestError([{ field: 'scope', expected: 'no scope admin for a client that persons connect' }]);
  if (one_token_at_a_time)
    throw new InvalidRequestError([
      {
        field: 'one_token_at_a_time',
        expected: 'false for a client that persons connect, because many of them use it',
      },
    ]);
}

/** Revokes the access tokens of a client, and its connections. @returns the sequence of the last revocation, if any. */
async function revokeAll(
  transaction: SqlEntityManager,
  clientId: string,
  reason: string,
  origin: RequestOrigin,
): Promise<number | undefined> {
  const { sequence } = await revokeConnections(transaction, { clientId }, { ...origin, reason });
  return (await revokeLeases(transaction, clientId, { actor: origin.actor ?? '', reason })) ?? sequence;
}

async function lockClient(transaction: SqlEntityManager, clientId: string): Promise<ClientRow> {
  const lockMode = LockMode.PESSIMISTIC_WRITE;
  const client = isClientId(clientId) ? await transaction.findOne(ClientEntity, { clientId }, { lockMode }) : null;
  if (client === null) throw clientNotFound();
  return client;
}

/** Replaces the keys of a client, which must stay few: each of them may verify a client assertion. */
function changeKeys({ jwks }: ClientRow, replacement: readonly ClientKey[], overlapSeconds = 0): ClientKeys {
  if (jwks == null)
    throw new HttpError('client_has_no_keys', 'This client authenticates with a secret and has no keys.');
  const changed = replaceKeys(jwks, replacement, { overlapSeconds });
  const replaced = changed.keys.length - replacement.length;
  if (changed.keys.length > MAX_CLIENT_KEYS)
    throw new InvalidRequestError([
      {
        field: 'jwks.keys',
        expected: `at most ${MAX_CLIENT_KEYS - replaced} keys, because old keys that stay valid count towards the limit of ${MAX_CLIENT_KEYS}`,
      },
    ]);
  return changed;
}

/** What the audit says about a change. It names keys by their thumbprints, because they are long. */
function detailOf({ jwks, overlap = 0, ...changes }: ClientChanges): Record<string, unknown> {
  return jwks === undefined ? changes : { ...changes, keys: jwks.keys.map(computeThumbprint), overlap };
}

function actionOf({ active, scope, jwks }: ClientChanges): string {
  if (active !== undefined) return active ? 'client.enable' : 'client.disable';
  if (jwks !== undefined) return 'client.set-keys';
  return scope === undefined ? 'client.change' : 'client.set-scope';
}

function clientExists(clientId: string): HttpError {
  return new HttpError('client_exists', `There is a client with the id ${clientId}.`, {
    fields: [{ field: 'client_id', expected: 'an id that no other client has' }],
  });
}

function secretInUse(): InvalidRequestError {
  return new InvalidRequestError([{ field: 'client_secret', expected: 'a secret that no other client has' }]);
}

function clientNotFound(): HttpError {
  return new HttpError('client_not_found', 'There is no client with this id.', {
    fields: [{ field: 'client_id', expected: 'the id of a registered client' }],
  });
}

type SecretRow = { createdAt: Date; expiresAt?: Date | null; lastUsedAt?: Date | null };

function toClientResponse(client: ClientRow, secrets: readonly SecretRow[]): ClientResponse {
  return {
    client_id: client.clientId,
    kind: client.kind,
    client_name: client.name,
    scope: client.scopes.join(' '),
    resources: client.resources,
    resource_server: client.resourceServer ?? null,
    redirect_uris: client.redirectUris,
    token_endpoint_auth_method: client.tokenEndpointAuthMethod,
    one_token_at_a_time: client.oneTokenAtATime,
    active: client.active,
    created_at: client.createdAt.toISOString(),
    updated_at: client.updatedAt.toISOString(),
    last_used_at: client.lastUsedAt?.toISOString() ?? null,
    secrets: secrets.map(({ createdAt, expiresAt, lastUsedAt }) => ({
      created_at: createdAt.toISOString(),
      expires_at: expiresAt?.toISOString() ?? null,
      last_used_at: lastUsedAt?.toISOString() ?? null,
    })),
    keys: findValidKeys(client.jwks ?? { keys: [] }).map((key) => ({
      thumbprint: computeThumbprint(key),
      kid: typeof key.kid === 'string' ? key.kid : null,
      expires_at: key.exp === undefined ? null : new Date(key.exp * 1000).toISOString(),
    })),
  };
}
