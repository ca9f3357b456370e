import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { lockActiveAccount } from '../accounts/accounts.ts';

/**
 * Locks a connection and its account against changes until the end of `transaction`. The client is locked before. A
 * transaction that revokes the connection therefore either sees what is written here, or commits first.
 * @returns false when the connection was revoked or has expired, or its account is disabled.
 */
export async function lockConnection(transaction: SqlEntityManager, connectionId: string): Promise<boolean> {
  const [found] = await transaction.execute<{ accountId: string }[]>(
    'select account_id as "accountId" from auth.connection where id = ?',
    [connectionId],
  );
  if (found === undefined || !(await lockActiveAccount(transaction, found.accountId))) return false;
  const locked = await transaction.execute(
    'select 1 from auth.connection where id = ? and expires_at > now() for share',
    [connectionId],
  );
  return locked.length > 0;
}
