import { hash } from 'node:crypto';
import { UniqueConstraintViolationException } from '@mikro-orm/core';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { lockActiveAccount } from '../accounts/accounts.ts';
import { insertSuccess, type RequestOrigin } from '../audit/audit.ts';
import { lockActiveClient } from '../clients/active-clients.ts';
import { ConnectionEntity } from './connection.entity.ts';

/** What a person allows on the consent page. */
export type AllowedConnection = {
  readonly accountId: string;
  readonly clientId: string;
  readonly clientName: string;
  readonly redirectHost: string;
  readonly resource: string;
  readonly scopes: readonly string[];
  /** Seconds for which the connection lives, however often it is used. */
  readonly ttl: number;
};

/** The id of the connection that an interaction makes, so that one interaction never makes two. */
function connectionIdOf(interactionUid: string): string {
  return `con_${hash('sha256', `connection of ${interactionUid}`, 'base64url').slice(0, 22)}`;
}

/**
 * Inserts the connection that a person allowed in an interaction.
 * @returns its id, or undefined when the account or the client was disabled meanwhile.
 */
export async function allowConnection(
  em: SqlEntityManager,
  interactionUid: string,
  { ttl, scopes, ...connection }: AllowedConnection,
  origin: RequestOrigin,
): Promise<string | undefined> {
  const id = connectionIdOf(interactionUid);
  const { clientId, accountId } = connection;
  try {
    return await em.fork().transactional(async (transaction) => {
      if (!(await lockActiveClient(transaction, clientId)) || !(await lockActiveAccount(transaction, accountId)))
        return undefined;
      const expiresAt = new Date(Date.now() + ttl * 1000);
      await transaction.insert(ConnectionEntity, { ...connection, id, scopes: [...scopes], expiresAt });
      await insertSuccess(transaction, { ...origin, accountId }, 'connection.create', id, {
        client_id: clientId,
        scope: scopes.join(' '),
      });
      return id;
    });
  } catch (error) {
    // a second click on Allow: the first one made the connection
    if (error instanceof UniqueConstraintViolationException) return id;
    throw error;
  }
}
