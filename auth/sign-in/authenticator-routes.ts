import Router, { type RouterContext } from '@koa/router';
import { UniqueConstraintViolationException } from '@mikro-orm/core';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { Context } from 'koa';
import { endSessions, lockAccount } from '../accounts/accounts.ts';
import { insertSuccess } from '../audit/audit.ts';
import {
  addPasskey,
  type RemovedAuthenticator,
  readAuthenticators,
  removeAuthenticator,
  setPassword,
} from '../authenticators/authenticators.ts';
import { PasskeyRejectedError, type Passkeys } from '../authenticators/passkeys.ts';
import type { PasswordHashing } from '../authenticators/password-hash.ts';
import { findPasswordProblem } from '../authenticators/password-rule.ts';
import { OneTimeLinkEntity } from '../one-time-links/one-time-link.entity.ts';
import { PageError } from '../pages/page-error.ts';
import type { PersonSession, PersonSessions } from '../provider/person-sessions.ts';
import type { AccountRequests } from './account-requests.ts';
import type { AccountView } from './account-view.ts';
import { originOf, type SignIn } from './sign-in.ts';

const MAX_PASSKEYS = 20;
const MAX_PASSKEY_NAME_LENGTH = 60;

/** Creates what the account page needs to add, change and remove passkeys and the password. */
export function authenticatorRoutes({
  em,
  requests,
  view,
  sessions,
  signIn,
  passkeys,
  hashing,
}: {
  em: SqlEntityManager;
  requests: AccountRequests;
  view: AccountView;
  sessions: PersonSessions;
  signIn: SignIn;
  passkeys: Passkeys;
  hashing: PasswordHashing;
}): Router {
  const router = new Router();
  router.post('/account/confirm-options', createConfirmOptions);
  router.post('/account/passkey-options', createPasskeyOptions);
  router.post('/account/passkey', addNewPasskey);
  router.post('/account/password', changePassword);
  router.post('/account/remove', removeOne);
  return router;

  async function createConfirmOptions(ctx: RouterContext): Promise<void> {
    const { session } = await requests.readScript(ctx);
    ctx.body = await signIn.createPasskeyOptions(ctx, confirmPurpose(session));
  }

  async function createPasskeyOptions(ctx: RouterContext): Promise<void> {
    const { session } = await requests.readScript(ctx);
    const { id, displayName: name } = session.account;
    ctx.body = await passkeys.createRegistrationOptions(registerPurpose(session), { id, name });
  }

  async function addNewPasskey(ctx: RouterContext): Promise<void> {
    const { session, body } = await requests.readScript(ctx);
    await confirm(ctx, session, body);
    const { account } = session;
    if ((await readAuthenticators(em.fork(), account.id)).passkeys.length >= MAX_PASSKEYS)
      throw new PageError(400, `You have ${MAX_PASSKEYS} passkeys`, 'Remove one first.');
    try {
      const passkey = await passkeys.verifyRegistration(registerPurpose(session), body.credential);
      const name =
        toText(body.name).trim().slice(0, MAX_PASSKEY_NAME_LENGTH).toWellFormed().replaceAll('\0', '') || 'Passkey';
      await em.fork().transactional(async (transaction) => {
        await addPasskey(transaction, account.id, passkey, name);
        await insertSuccess(transaction, originOf(ctx, account), 'user.add-passkey', account.id, { name });
      });
    } catch (cause) {
      if (!(cause instanceof PasskeyRejectedError || cause instanceof UniqueConstraintViolationException)) throw cause;
      throw new PageError(400, 'This passkey is not accepted', 'Try again.', { cause });
    }
    ctx.body = { location: '/account' };
  }

  async function changePassword(ctx: RouterContext): Promise<void> {
    const { session, body } = await requests.readChange(ctx);
    const { account } = session;
    await view.answer(ctx, session, async () => {
      const password = toText(body.new_password);
      const unsuitable = findPasswordProblem(password, account.username);
      if (unsuitable !== undefined) throw new PageError(400, unsuitable, 'Choose another one.');
      await confirm(ctx, session, body);
      const hash = await hashing.hash(password);
      await em.fork().transactional(async (transaction) => {
        // the account first, as everywhere: its rows are locked in one order
        await lockAccount(transaction, account.id);
        await setPassword(transaction, account.id, hash);
        await endSessions(transaction, account.id);
        await transaction.nativeDelete(OneTimeLinkEntity, { accountId: account.id });
        await insertSuccess(transaction, originOf(ctx, account), 'user.set-password', account.id, {});
      });
      await sessions.renew(ctx, session);
      return 'password';
    });
  }

  async function removeOne(ctx: RouterContext): Promise<void> {
    const { session, body } = await requests.readChange(ctx);
    const { account } = session;
    await view.answer(ctx, session, async () => {
      await confirm(ctx, session, body);
      const removed = body.password === 'yes' ? 'password' : { passkeyId: toText(body.passkey) };
      await em.fork().transactional(async (transaction) => {
        await remove(transaction, account.id, removed);
        const action = removed === 'password' ? 'user.remove-password' : 'user.remove-passkey';
        await insertSuccess(transaction, originOf(ctx, account), action, account.id, {});
      });
      return removed === 'password' ? 'password-removed' : 'passkey-removed';
    });
  }

  /**
   * Checks an authenticator, in the request that changes one. A session alone is not enough: on localhost, other programs get
   * its cookie.
   * @throws {PageError} when it is not accepted, and when there were too many failures.
   */
  async function confirm(ctx: Context, session: PersonSession, body: Readonly<Record<string, unknown>>): Promise<void> {
    const { passwordChangedAt } = await readAuthenticators(em.fork(), session.account.id);
    if (passwordChangedAt === undefined)
      await signIn.confirm.withPasskey(ctx, session.account, confirmPurpose(session), body.confirmation);
    else await signIn.confirm.withPassword(ctx, session.account, toText(body.current_password));
  }
}

/** @throws {PageError} when it cannot be removed. */
async function remove(transaction: SqlEntityManager, accountId: string, removed: RemovedAuthenticator): Promise<void> {
  switch (await removeAuthenticator(transaction, accountId, removed)) {
    case 'not-found':
      throw new PageError(400, 'It was removed before', 'Load the page again.');
    case 'last':
      throw new PageError(400, 'This is your last way to sign in', 'Add another one before you remove it.');
    case 'removed':
  }
}

/** A member of JSON that should be a text. */
function toText(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function confirmPurpose({ account, uid }: PersonSession): string {
  return `confirm a change of ${account.id} in ${uid}`;
}

function registerPurpose({ account, uid }: PersonSession): string {
  return `add a passkey to ${account.id} in ${uid}`;
}
