import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { executePrepared } from '../../shared/database/prepared-statements.ts';
import { type Account, AccountEntity, type AccountRow } from './account.entity.ts';
import { normalizeUsername } from './username.ts';

/** Finds an account by its id. */
export async function findAccount(em: SqlEntityManager, id: string): Promise<Account | undefined> {
  const [found] = await executePrepared<AccountColumns>(
    em,
    `select ${ACCOUNT_COLUMNS} from auth.account where id = ?`,
    [id],
  );
  return found && toAccount(found);
}

/** The select list that returns `AccountColumns`, from `auth.account`. */
export const ACCOUNT_COLUMNS = `account.id as "accountId", account.username, account.display_name as "displayName",
  account.active, extract(epoch from account.sessions_from)::float8 as "sessionsFrom"`;

export type AccountColumns = Omit<Account, 'id' | 'sessionsFrom'> & {
  readonly accountId: string;
  /** Seconds since the epoch. */
  readonly sessionsFrom: number;
};

export function toAccount({ accountId, username, displayName, active, sessionsFrom }: AccountColumns): Account {
  return { id: accountId, username, displayName, active, sessionsFrom: new Date(sessionsFrom * 1000) };
}

/** Finds an account by the user name that a person entered. */
export async function findAccountByName(em: SqlEntityManager, name: string): Promise<AccountRow | undefined> {
  // PostgreSQL rejects NUL and lone surrogates in text, so such a name was never stored
  if (name.includes('\0') || !name.isWellFormed() || name.length > 256) return undefined;
  const username = normalizeUsername(name);
  return (await em.fork().findOne(AccountEntity, { username }, { disableIdentityMap: true })) ?? undefined;
}

/** Whether there is an account, active or not. */
export async function hasAnyAccount(em: SqlEntityManager): Promise<boolean> {
  return (await em.execute('select 1 from auth.account limit 1')).length > 0;
}

/**
 * Locks an active account against changes until the end of `transaction`. Where a transaction locks more, the order is:
 * client, account, connection.
 * @returns false when the account does not exist or is disabled.
 */
export async function lockActiveAccount(transaction: SqlEntityManager, id: string): Promise<boolean> {
  return (await transaction.execute('select 1 from auth.account where id = ? and active for share', [id])).length > 0;
}

/** Locks an account, which may be disabled, for a change of it or of what belongs to it. */
export async function lockAccount(transaction: SqlEntityManager, id: string): Promise<void> {
  await transaction.execute('select 1 from auth.account where id = ? for update', [id]);
}

/**
 * Ends every session of an account, also one that a request under way is about to store: a session counts only if the
 * person signed in at `sessionsFrom` or later, and a new sign-in is never dated earlier.
 */
export async function endSessions(transaction: SqlEntityManager, accountId: string): Promise<void> {
  await transaction.execute("delete from auth.artifact where model = 'Session' and account_id = ?", [accountId]);
  const nextSecond = new Date((Math.floor(Date.now() / 1000) + 1) * 1000);
  await transaction.execute(
    `update auth.account set sessions_from = greatest(?::timestamptz, sessions_from + interval '1 second') where id = ?`,
    [nextSecond, accountId],
  );
}
