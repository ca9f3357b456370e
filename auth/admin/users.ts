import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { HttpError } from '../../shared/http/http-error.ts';
import { AccountEntity, type AccountRow } from '../accounts/account.entity.ts';
import { ACCOUNT_ID_PREFIX } from '../accounts/account-id.ts';
import { endSessions, findAccountByName, lockAccount } from '../accounts/accounts.ts';
import { insertSuccess, type RequestOrigin } from '../audit/audit.ts';
import { PasskeyEntity } from '../authenticators/passkey.entity.ts';
import { PasswordEntity } from '../authenticators/password.entity.ts';
import { revokeConnections } from '../connections/revoke-connections.ts';
import { OneTimeLinkEntity } from '../one-time-links/one-time-link.entity.ts';
import { createLink } from '../one-time-links/one-time-links.ts';
import type { StatusLists } from '../status-lists/status-lists.ts';
import type { LinkResponse, UserResponse } from './contract.ts';

/**
 * The management of accounts by administrators. Each change is one transaction that also writes an audit event. A method that
 * takes a user name also takes the id of an account, and throws an `HttpError` `user_not_found` (404) without one.
 */
export type Users = {
  readonly list: () => Promise<UserResponse[]>;
  readonly get: (username: string) => Promise<UserResponse>;
  readonly findId: (username: string) => Promise<string>;
  /** The user names of accounts, by the ids. */
  readonly names: (ids: readonly string[]) => Promise<ReadonlyMap<string, string>>;
  /** Makes a one-time link for a new account. @throws {HttpError} `user_exists` (409). */
  readonly invite: (username: string, hours: number, origin: RequestOrigin) => Promise<LinkResponse>;
  /** Makes a one-time link with which the person gets new ways to sign in. */
  readonly recover: (username: string, hours: number, origin: RequestOrigin) => Promise<LinkResponse>;
  /** Disables or enables an account. Disabling it revokes its connections and ends its sessions. */
  readonly setActive: (username: string, active: boolean, origin: RequestOrigin) => Promise<UserResponse>;
  /** Deletes an account with its ways to sign in, and revokes its connections. The todos stay. */
  readonly delete: (username: string, origin: RequestOrigin) => Promise<UserResponse>;
};

/** Creates the management of the accounts in a database. */
export function createUsers({
  em,
  issuer,
  statusLists,
}: {
  em: SqlEntityManager;
  issuer: string;
  statusLists: Pick<StatusLists, 'catchUp' | 'snapshot'>;
}): Users {
  return {
    async list() {
      const accounts = await em.fork().find(AccountEntity, {}, { orderBy: { createdAt: 'asc', id: 'asc' } });
      return toUserResponses(accounts);
    },
    get: async (username) => toUserResponse(await getAccount(username)),
    findId: async (username) => (await getAccount(username)).id,
    async names(ids) {
      const accounts = await em.fork().find(AccountEntity, { id: [...new Set(ids)] }, { fields: ['displayName'] });
      return new Map(accounts.map(({ id, displayName }) => [id, displayName]));
    },
    async invite(username, hours, origin) {
      if ((await findAccountByName(em, username)) !== undefined)
        throw new HttpError('user_exists', 'There is an account with this user name.', {
          fields: [{ field: 'username', expected: 'a user name that no account has' }],
        });
      return em.fork().transactional(async (transaction) => {
        const created = await createLink(transaction, issuer, {
          kind: 'invitation',
          displayName: username,
          createdBy: origin.actor,
          hours,
        });
        await insertSuccess(transaction, origin, 'user.invite', username, { hours });
        return toLinkResponse(created);
      });
    },
    async recover(username, hours, origin) {
      const { id } = await getAccount(username);
      return em.fork().transactional(async (transaction) => {
        const created = await createLink(transaction, issuer, {
          kind: 'recovery',
          accountId: id,
          createdBy: origin.actor,
          hours,
        });
        await insertSuccess(transaction, { ...origin, accountId: id }, 'user.create-recovery', id, { hours });
        return toLinkResponse(created);
      });
    },
    async setActive(username, active, origin) {
      const { id } = await getAccount(username);
      const sequence = await em.fork().transactional(async (transaction) => {
        await lockAccount(transaction, id);
        await transaction.nativeUpdate(AccountEntity, { id }, { active, updatedAt: new Date() });
        const revoked = active ? undefined : await endEverything(transaction, id, 'the account was disabled', origin);
        const action = active ? 'user.enable' : 'user.disable';
        await insertSuccess(transaction, { ...origin, accountId: id }, action, id, {});
        return revoked;
      });
      return { ...(await toUserResponse(await getAccount(id))), ...(!active && (await publish(sequence))) };
    },
    async delete(username, origin) {
      const account = await getAccount(username);
      const deleted = await toUserResponse(account);
      const { id } = account;
      const sequence = await em.fork().transactional(async (transaction) => {
        await lockAccount(transaction, id);
        const revoked = await endEverything(transaction, id, 'the account was deleted', origin);
        await transaction.nativeDelete(PasswordEntity, { accountId: id });
        await transaction.nativeDelete(PasskeyEntity, { accountId: id });
        await transaction.nativeDelete(AccountEntity, { id });
        const detail = { username: account.displayName };
        await insertSuccess(transaction, { ...origin, accountId: id }, 'user.delete', id, detail);
        return revoked;
      });
      return { ...deleted, ...(await publish(sequence)) };
    },
  };

  async function endEverything(
    transaction: SqlEntityManager,
    accountId: string,
    reason: string,
    origin: RequestOrigin,
  ) {
    const { sequence } = await revokeConnections(transaction, { accountId }, { ...origin, reason });
    await endSessions(transaction, accountId);
    await transaction.nativeDelete(OneTimeLinkEntity, { accountId });
    return sequence;
  }

  /** Publishes a revocation. If there was nothing to revoke, the caller can wait for the newest earlier one. */
  async function publish(sequence: number | undefined) {
    await statusLists.catchUp();
    return { revocation: { sequence: sequence ?? statusLists.snapshot().sequence } };
  }

  async function getAccount(username: string): Promise<AccountRow> {
    // no user name begins as an id does
    const account = username.startsWith(ACCOUNT_ID_PREFIX)
      ? await findById(username)
      : await findAccountByName(em, username);
    if (account !== undefined) return account;
    throw new HttpError('user_not_found', 'There is no account with this user name.', {
      fields: [{ field: 'username', expected: 'the user name of an account' }],
    });
  }

  async function findById(id: string): Promise<AccountRow | undefined> {
    if (!/^[A-Za-z0-9_-]{1,60}$/.test(id)) return undefined;
    return (await em.fork().findOne(AccountEntity, { id }, { disableIdentityMap: true })) ?? undefined;
  }

  async function toUserResponse(account: AccountRow): Promise<UserResponse> {
    const [response] = await toUserResponses([account]);
    if (response === undefined) throw new Error('an account has one response');
    return response;
  }

  async function toUserResponses(accounts: readonly AccountRow[]): Promise<UserResponse[]> {
    const ids = accounts.map(({ id }) => id);
    const passkeys = await count('passkey', ids);
    const passwords = await count('password', ids);
    const connections = await count('connection', ids, 'and expires_at > now()');
    return accounts.map(({ id, displayName, active, createdAt, lastSignInAt }) => ({
      id,
      username: displayName,
      active,
      created_at: createdAt.toISOString(),
      last_sign_in_at: lastSignInAt?.toISOString() ?? null,
      passkeys: passkeys.get(id) ?? 0,
      has_password: passwords.has(id),
      connections: connections.get(id) ?? 0,
    }));
  }

  /** Counts the rows of each account in a table, in one statement for all accounts. */
  async function count(table: string, ids: readonly string[], condition = ''): Promise<ReadonlyMap<string, number>> {
    if (ids.length === 0) return new Map();
    const rows = await em.fork().execute<{ id: string; count: number }[]>(
      `select account_id as id, count(*)::int as count from auth.${table}
       where account_id in (${ids.map(() => '?').join(', ')}) ${condition} group by account_id`,
      [...ids],
    );
    return new Map(rows.map((row) => [row.id, row.count]));
  }
}

function toLinkResponse({ url, expiresAt }: { url: string; expiresAt: Date }): LinkResponse {
  return { url, expires_at: expiresAt.toISOString() };
}
