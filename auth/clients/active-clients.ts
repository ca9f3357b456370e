import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { ClientRow } from './client.entity.ts';

/*
 * A disabled client (`active` is false) does not exist for OAuth: it cannot authenticate, gets no token and does not
 * count as an administrator. Disabling it revokes its access tokens. Only the administration still shows it.
 */

/** Whether a client that was read from the database may be used. */
export function isActive(client: Pick<ClientRow, 'active'>): boolean {
  return client.active;
}

/**
 * Locks a client against changes until the end of `transaction`.
 * @returns false when the client does not exist or is disabled.
 */
export async function lockActiveClient(transaction: SqlEntityManager, clientId: string): Promise<boolean> {
  const rows = await transaction.execute('select 1 from auth.client where client_id = ? and active for share', [
    clientId,
  ]);
  return rows.length > 0;
}

/** Finds the clients that must not wait behind others: administrators, and resource servers, which read revocations. */
export function findPrioritizedClients(em: SqlEntityManager): Promise<{ id: string; isAdministrator: boolean }[]> {
  return em.fork().execute(
    `select client_id as id, 'admin' = any(scopes) as "isAdministrator" from auth.client
       where 'admin' = any(scopes) or resource_server is not null`,
  );
}

/** Whether an active client has the scope `admin` and may request access tokens for the resource `adminResource`. */
export async function hasActiveAdministrator(transaction: SqlEntityManager, adminResource: string): Promise<boolean> {
  const rows = await transaction.execute(
    "select 1 from auth.client where active and 'admin' = any(scopes) and ? = any(resources) limit 1",
    [adminResource],
  );
  return rows.length > 0;
}
