import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { LRUCache } from 'lru-cache';
import type { Database } from '../../shared/database/database.ts';
import { listen } from '../../shared/database/listen.ts';
import { CLIENT_CHANGES, ClientEntity, type ClientRow } from './client.entity.ts';
import { ClientSecretEntity } from './client-secret.entity.ts';

/** A secret of a client as it is kept. */
type KeptSecret = { readonly hash: string; readonly expiresAt: Date | null };

/** A registered client with the secrets that are good for it. */
export type ClientRecord = ClientRow & { readonly secrets: readonly KeptSecret[] };

/** What registers a client; with a secret, unless it authenticates with a key. */
export type NewClient = Omit<ClientRow, 'createdAt' | 'updatedAt' | 'active' | 'oneTokenAtATime'> &
  Partial<Pick<ClientRow, 'oneTokenAtATime'>> & { secretHash: string | null };

/** The registered clients. Disposing them stops listening for changes. */
export type Clients = AsyncDisposable & {
  /**
   * From memory where it is known. A change that was made here is seen at once, one that was made elsewhere when its
   * notification arrives: milliseconds later, or ten seconds where a connection broke without a word.
   */
  readonly find: (clientId: string) => Promise<ClientRecord | undefined>;
  /** A change of this client was committed here: it is read anew at once, before the notification of it arrives. */
  readonly forget: (clientId: string) => void;
  readonly register: (client: NewClient) => Promise<void>;
};

/** Whether `text` can be a client id: VSCHAR (RFC 6749 Appendix A.1), as many as the column holds. */
export function isClientId(text: string): boolean {
  return /^[\x20-\x7e]{1,255}$/.test(text);
}

const NOBODY = Promise.resolve(undefined);

/** Clients kept in memory at the most. */
const REMEMBER = 10_000;

/**
 * Opens the clients in `database`. They are kept in memory so that issuing an access token reads nothing from it; a
 * change that any process commits, in any way, is notified by a trigger and drops the client here. While notifications
 * may be missed nothing is kept.
 */
export async function openClients({ database, em }: { database: Database; em: SqlEntityManager }): Promise<Clients> {
  // what is kept is the answer that is under way: a change during the read drops it too
  const known = new LRUCache<string, Promise<ClientRecord | undefined>>({ max: REMEMBER });
  let hearsChanges = true;
  const subscription = await listen(database, CLIENT_CHANGES, {
    notified: (clientId) => known.delete(clientId),
    interrupted(state) {
      known.clear();
      hearsChanges = state === 'restored';
    },
  });

  return {
    // what cannot be an id is looked for nowhere: PostgreSQL takes no NUL, and nobody has ids of a kilobyte
    find: (clientId) => (isClientId(clientId) ? (known.get(clientId) ?? read(clientId)) : NOBODY),
    forget: (clientId) => void known.delete(clientId),
    register: (client) => em.fork().transactional((transaction) => insertClient(transaction, client)),
    [Symbol.asyncDispose]: () => subscription[Symbol.asyncDispose](),
  };

  function read(clientId: string): Promise<ClientRecord | undefined> {
    const reading = readClient(em, clientId);
    if (hearsChanges) {
      known.set(clientId, reading);
      // a guess at an id that is nobody's must not push a client out, and a failed read is no answer
      const forget = () => {
        if (known.get(clientId) === reading) known.delete(clientId);
      };
      reading.then((client) => client ?? forget(), forget);
    }
    return reading;
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

/** Adds a client with its first secret, as a part of `transaction`. */
export async function insertClient(transaction: SqlEntityManager, { secretHash, ...client }: NewClient): Promise<void> {
  await transaction.insert(ClientEntity, client);
  if (secretHash !== null)
    await transaction.insert(ClientSecretEntity, { hash: secretHash, clientId: client.clientId });
}
