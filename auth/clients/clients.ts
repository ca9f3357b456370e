import type { EntityManager } from '@mikro-orm/core';
import { LRUCache } from 'lru-cache';
import type { Database } from '../../shared/database/database.ts';
import { listen } from '../../shared/database/listen.ts';
import { CLIENT_CHANGES, ClientEntity, type ClientRecord } from './client.entity.ts';

/** The registered clients. Disposing them stops listening for changes. */
export type Clients = AsyncDisposable & {
  /** From memory where it is known, and never older than the last change that was committed anywhere. */
  readonly find: (clientId: string) => Promise<ClientRecord | undefined>;
  readonly register: (client: NewClient) => Promise<void>;
};

export type NewClient = Omit<ClientRecord, 'createdAt' | 'updatedAt'>;

/** Clients kept in memory at the most. */
const REMEMBER = 10_000;

/**
 * Opens the clients in `database`. They are kept in memory so that issuing an access token reads nothing from it; a
 * change that any process commits, in any way, is notified by a trigger and drops the client here. While notifications
 * may be missed nothing is kept.
 */
export async function openClients({ database, em }: { database: Database; em: EntityManager }): Promise<Clients> {
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
    find: (clientId) => known.get(clientId) ?? read(clientId),
    async register(client) {
      await em.fork().insert(ClientEntity, client);
    },
    [Symbol.asyncDispose]: () => subscription[Symbol.asyncDispose](),
  };

  function read(clientId: string): Promise<ClientRecord | undefined> {
    const reading = em
      .fork()
      .findOne(ClientEntity, { clientId }, { disableIdentityMap: true })
      .then((client) => client ?? undefined);
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
