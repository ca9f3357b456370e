import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { LRUCache } from 'lru-cache';
import type { Database } from '../../shared/database/database.ts';
import { listen } from '../../shared/database/listen.ts';
import { findPrioritizedClients, isActive } from './active-clients.ts';
import { CLIENT_CHANGES_CHANNEL, ClientEntity, type ClientRow } from './client.entity.ts';
import { isClientId } from './client-id.ts';
import { ClientSecretEntity } from './client-secret.entity.ts';
import type { StoredSecret } from './client-secret.ts';

/** A registered client with its secrets. */
export type ClientRecord = ClientRow & { readonly secrets: readonly StoredSecret[] };

/** A client to register. `secretHash` is null when it has no secret. */
export type NewClient = Pick<
  ClientRow,
  'clientId' | 'name' | 'scopes' | 'resources' | 'resourceServer' | 'tokenEndpointAuthMethod' | 'jwks'
> &
  Partial<Omit<ClientRow, 'createdAt' | 'updatedAt' | 'active'>> & { secretHash: string | null };

/** The registered clients. Disposing them stops listening for changes. */
export type Clients = AsyncDisposable & {
  /**
   * Finds an active client, in the cache if possible. A change that this process commits is visible at once, a change
   * of another process when its notification arrives: after milliseconds, or after ten seconds if the connection hangs.
   */
  readonly find: (clientId: string) => Promise<ClientRecord | undefined>;
  /** Finds an active client in the cache only, without a read of the database. */
  readonly findCached: (clientId: string) => Promise<ClientRecord | undefined> | undefined;
  /**
   * Calls `listener` when a client was changed, with its id; with undefined when notifications may have been lost, so
   * that any client may have changed.
   */
  readonly onChange: (listener: (clientId: string | undefined) => void) => void;
  /**
   * Whether the client had the scope `admin` when this process read it last. This decides on which connections its
   * requests wait, and never what it may do.
   */
  readonly isAdministrator: (clientId: string) => boolean;
  /**
   * Removes a client from the cache. The process that commits a change calls this and does not wait for the
   * notification.
   */
  readonly invalidate: (clientId: string) => void;
  readonly register: (client: NewClient) => Promise<void>;
};

const NOT_FOUND = Promise.resolve(undefined);

const MAX_CACHED_CLIENTS = 10_000;

/**
 * Opens the clients in `database`. They are cached, so that issuing an access token reads nothing from the database. A
 * trigger notifies every process of each committed change, and each process then removes the client from its cache.
 * While a process cannot receive notifications it caches nothing.
 */
export async function openClients({
  database,
  em,
  priorityEm = em,
}: {
  database: Database;
  em: SqlEntityManager;
  /** The connections with which administrators and resource servers are read (see priority-connections.ts). */
  priorityEm?: SqlEntityManager;
}): Promise<Clients> {
  // the cache holds promises, so that a change during a read also removes the result of that read
  const cache = new LRUCache<string, Promise<ClientRecord | undefined>>({ max: MAX_CACHED_CLIENTS });
  const listeners: ((clientId: string | undefined) => void)[] = [];
  let receivesChanges = true;
  const prioritized = new Map((await findPrioritizedClients(priorityEm)).map((client) => [client.id, client]));
  const subscription = await listen(database, CLIENT_CHANGES_CHANNEL, {
    notified: invalidate,
    interrupted(state) {
      cache.clear();
      receivesChanges = state === 'restored';
      for (const listener of listeners) listener(undefined);
    },
  });

  return {
    find: (clientId) => (isClientId(clientId) ? (cache.get(clientId) ?? read(clientId)) : NOT_FOUND),
    findCached: (clientId) => cache.get(clientId),
    onChange: (listener) => void listeners.push(listener),
    isAdministrator: (clientId) => prioritized.get(clientId)?.isAdministrator ?? false,
    invalidate,
    register: (client) => em.fork().transactional((transaction) => insertClient(transaction, client)),
    [Symbol.asyncDispose]: () => subscription[Symbol.asyncDispose](),
  };

  function invalidate(clientId: string): void {
    cache.delete(clientId);
    for (const listener of listeners) listener(clientId);
  }

  function read(clientId: string): Promise<ClientRecord | undefined> {
    const reading = readClient(prioritized.has(clientId) ? priorityEm : em, clientId).then((client) => {
      const isAdministrator = client?.scopes.includes('admin') ?? false;
      if (isAdministrator || client?.resourceServer != null)
        prioritized.set(clientId, { id: clientId, isAdministrator });
      else prioritized.delete(clientId);
      return client;
    });
    const active = reading.then((client) => (client !== undefined && isActive(client) ? client : undefined));
    if (receivesChanges) {
      cache.set(clientId, active);
      // guesses at ids must not push registered clients out of the cache, and a failed read is no result
      const remove = () => {
        if (cache.get(clientId) === active) cache.delete(clientId);
      };
      reading.then((client) => client ?? remove(), remove);
    }
    return active;
  }
}

/** Reads a client with its secrets from the database. */
async function readClient(em: SqlEntityManager, clientId: string): Promise<ClientRecord | undefined> {
  const fork = em.fork();
  const [client, secrets] = [
    await fork.findOne(ClientEntity, { clientId }, { disableIdentityMap: true }),
    await fork.find(ClientSecretEntity, { clientId }, { disableIdentityMap: true }),
  ];
  return client === null
    ? undefined
    : { ...client, secrets: secrets.map(({ hash, expiresAt }) => ({ hash, expiresAt: expiresAt ?? null })) };
}

/** Inserts a client with its first secret in `transaction`. */
export async function insertClient(transaction: SqlEntityManager, { secretHash, ...client }: NewClient): Promise<void> {
  await transaction.insert(ClientEntity, client);
  if (secretHash !== null)
    await transaction.insert(ClientSecretEntity, { hash: secretHash, clientId: client.clientId });
}
