import { createHmac, timingSafeEqual } from 'node:crypto';
import Router, { type RouterContext } from '@koa/router';
import { UniqueConstraintViolationException } from '@mikro-orm/core';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { Context } from 'koa';
import { SCOPES, type Scope } from '../../shared/scopes.ts';
import { endSessions, lockAccount } from '../accounts/accounts.ts';
import { insertSuccess, listAccountEvents } from '../audit/audit.ts';
import { addPasskey, readAuthenticators, removeAuthenticator, setPassword } from '../authenticators/authenticators.ts';
import { PasskeyRejectedError, type Passkeys } from '../authenticators/passkeys.ts';
import type { PasswordHashing } from '../authenticators/password-hash.ts';
import { findPasswordProblem, PASSWORD_RULE } from '../authenticators/password-rule.ts';
import { isClientId } from '../clients/client-id.ts';
import type { Clients } from '../clients/clients.ts';
import { isLoopbackHost } from '../clients/redirect-uri.ts';
import type { ConnectionRow } from '../connections/connection.entity.ts';
import type { Connections } from '../connections/connections.ts';
import { redirect } from '../pages/send-page.ts';
import type { PersonSession, PersonSessions } from '../provider/person-sessions.ts';
import type { Propagation } from '../status-lists/propagation.ts';
import { describeVoucher } from './describe-client.ts';
import { describeEvent } from './describe-event.ts';
import { OneTimeLinkEntity } from './one-time-link.entity.ts';
import { PageError } from './page-errors.ts';
import { type AccountClient, sendAccountPage } from './pages/account-page.ts';
import { sendSignInPage } from './pages/sign-in-page.ts';
import { readForm, readScriptRequest, requireOwnOrigin } from './read-form.ts';
import { originOf, type SignIn } from './sign-in.ts';

const MAX_EVENTS = 20;
const MAX_PASSKEYS = 20;
const MAX_PASSKEY_NAME_LENGTH = 60;

/** How long the page waits until the resource servers have confirmed a revocation. */
const CONFIRMATION_WAIT_MS = 2_000;

const SIGN_IN_PURPOSE = 'sign in at /sign-in';

/** Creates the pages of a person's account. */
export function accountRoutes({
  issuer,
  em,
  formKey,
  sessions,
  signIn,
  passkeys,
  hashing,
  clients,
  connections,
  propagation,
}: {
  issuer: string;
  em: SqlEntityManager;
  /** The key of the tokens in forms (CSRF). */
  formKey: Buffer;
  sessions: PersonSessions;
  signIn: SignIn;
  passkeys: Passkeys;
  hashing: PasswordHashing;
  clients: Pick<Clients, 'find'>;
  connections: Connections;
  propagation: Pick<Propagation, 'waitUntilConfirmed'>;
}): Router {
  const router = new Router();
  router.get('/sign-in', showSignIn);
  router.post('/sign-in', signInWithPassword);
  router.post('/sign-in/passkey-options', createSignInOptions);
  router.post('/sign-in/passkey', signInWithPasskey);
  router.post('/sign-out', signOut);
  router.get('/account', showAccount);
  router.post('/account/take-back', takeBack);
  router.post('/account/confirm-options', createConfirmOptions);
  router.post('/account/passkey-options', createPasskeyOptions);
  router.post('/account/passkey', addNewPasskey);
  router.post('/account/password', changePassword);
  router.post('/account/remove', removeWay);
  router.post('/account/end-sessions', endOtherSessions);
  return router;

  async function showSignIn(ctx: RouterContext): Promise<void> {
    if ((await sessions.find(ctx)) !== undefined) redirect(ctx, '/account');
    else sendSignInPage(ctx, { action: '/sign-in' });
  }

  async function signInWithPassword(ctx: RouterContext): Promise<void> {
    const form = await readForm(ctx, issuer);
    const attempt = { username: form.get('username') ?? '', password: form.get('password') ?? '' };
    const problem = await signIn.withPassword(ctx, attempt);
    if (problem === undefined) redirect(ctx, '/account');
    else sendSignInPage(ctx, { action: '/sign-in', username: attempt.username, problem });
  }

  async function createSignInOptions(ctx: RouterContext): Promise<void> {
    await readScriptRequest(ctx, issuer);
    ctx.body = await signIn.createPasskeyOptions(ctx, SIGN_IN_PURPOSE);
  }

  async function signInWithPasskey(ctx: RouterContext): Promise<void> {
    const { credential } = await readScriptRequest(ctx, issuer);
    await signIn.withPasskey(ctx, SIGN_IN_PURPOSE, credential);
    ctx.body = { location: '/account' };
  }

  async function signOut(ctx: RouterContext): Promise<void> {
    await readForm(ctx, issuer);
    await sessions.signOut(ctx);
    redirect(ctx, '/sign-in');
  }

  async function showAccount(ctx: RouterContext): Promise<void> {
    const session = await sessions.find(ctx);
    if (session === undefined) redirect(ctx, '/sign-in');
    else await show(ctx, session);
  }

  async function takeBack(ctx: RouterContext): Promise<void> {
    const { session, form } = await readAccountForm(ctx);
    const accountId = session.account.id;
    const started = performance.now();
    const [id, clientId] = [form.get('connection'), form.get('client')];
    if ((id === null && clientId === null) || ![id ?? 'x', clientId ?? 'x'].every(isClientId))
      throw new PageError(400, 'This form is not complete', 'Go back, and send the form again.');
    const { revoked, sequence } = await connections.revoke(
      id === null ? { accountId, clientId: clientId ?? '' } : { id, accountId },
      { ...originOf(ctx, session.account), reason: 'taken back by the person' },
    );
    if (revoked.length === 0) {
      await show(ctx, session, { done: 'This access was taken back before.' });
      return;
    }
    const { confirmed, pending } = await propagation.waitUntilConfirmed(sequence, ctx, CONFIRMATION_WAIT_MS);
    const all = confirmed.length + pending.length;
    const milliseconds = Math.round(performance.now() - started);
    await show(ctx, session, {
      done:
        all === 0
          ? 'Taken back. No resource server has confirmed it: none authenticates at the status lists.'
          : `Taken back. Confirmed by ${confirmed.length} of ${all} resource servers in ${milliseconds} ms.`,
    });
  }

  async function createConfirmOptions(ctx: RouterContext): Promise<void> {
    const { session } = await readAccountScript(ctx);
    ctx.body = await signIn.createPasskeyOptions(ctx, confirmPurpose(session));
  }

  async function createPasskeyOptions(ctx: RouterContext): Promise<void> {
    const { session } = await readAccountScript(ctx);
    const { id, displayName: name } = session.account;
    ctx.body = await passkeys.createRegistrationOptions(registerPurpose(session), { id, name });
  }

  async function addNewPasskey(ctx: RouterContext): Promise<void> {
    const { session, body } = await readAccountScript(ctx);
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
    const { session, body } = await readAccountChange(ctx);
    const { account } = session;
    const password = toText(body.new_password);
    const unsuitable = findPasswordProblem(password, account.username);
    if (unsuitable !== undefined) return answer(ctx, session, { problem: unsuitable });
    const problem = await confirm(ctx, session, body);
    if (problem !== undefined) return answer(ctx, session, { problem, status: 401 });
    const hash = await hashing.hash(password);
    await em.fork().transactional(async (transaction) => {
      // the account first, as everywhere: its rows are locked in one order
      await lockAccount(transaction, account.id);
      await setPassword(transaction, account.id, hash);
      await endSessions(transaction, account.id);
      await transaction.nativeDelete(OneTimeLinkEntity, { accountId: account.id });
      await insertSuccess(transaction, originOf(ctx, account), 'user.set-password', account.id, {});
    });
    await renewSession(ctx, session);
    return answer(ctx, session, { done: 'password' });
  }

  async function removeWay(ctx: RouterContext): Promise<void> {
    const { session, body } = await readAccountChange(ctx);
    const { account } = session;
    const problem = await confirm(ctx, session, body);
    if (problem !== undefined) return answer(ctx, session, { problem, status: 401 });
    const removed = body.password === 'yes' ? 'password' : { passkeyId: toText(body.passkey) };
    const removal = await em.fork().transactional(async (transaction) => {
      const result = await removeAuthenticator(transaction, account.id, removed);
      if (result !== 'removed') return result;
      const action = removed === 'password' ? 'user.remove-password' : 'user.remove-passkey';
      await insertSuccess(transaction, originOf(ctx, account), action, account.id, {});
      return result;
    });
    if (removal === 'not-found') return answer(ctx, session, { problem: 'It was removed before.' });
    if (removal === 'last')
      return answer(ctx, session, {
        problem: 'This is your last way to sign in. Add another one before you remove it.',
      });
    return answer(ctx, session, { done: removed === 'password' ? 'password-removed' : 'passkey-removed' });
  }

  async function endOtherSessions(ctx: RouterContext): Promise<void> {
    const { session } = await readAccountForm(ctx);
    const { account } = session;
    await em.fork().transactional(async (transaction) => {
      await endSessions(transaction, account.id);
      await insertSuccess(transaction, originOf(ctx, account), 'user.end-sessions', account.id, {});
    });
    await renewSession(ctx, session);
    await answer(ctx, session, { done: 'sessions' });
  }

  /**
   * Checks a way to sign in, in the request that changes one. A session alone is not enough: on localhost, other programs get
   * its cookie.
   * @returns the problem with a password in a form. @throws {PageError} for a script, for a passkey that is not accepted, and
   * when there were too many failures.
   */
  async function confirm(
    ctx: Context,
    session: PersonSession,
    body: Readonly<Record<string, unknown>>,
  ): Promise<string | undefined> {
    const { passwordChangedAt } = await readAuthenticators(em.fork(), session.account.id);
    if (passwordChangedAt === undefined) {
      await signIn.confirm.withPasskey(ctx, session.account, confirmPurpose(session), body.confirmation);
      return undefined;
    }
    if (await signIn.confirm.withPassword(ctx, session.account, toText(body.current_password))) return undefined;
    if (ctx.is('application/json'))
      throw new PageError(401, 'The current password is wrong', 'Enter the password of your account.');
    return 'The current password is wrong.';
  }

  /** Gives this browser a session that counts after all others were ended. */
  async function renewSession(ctx: Context, { account, method }: PersonSession): Promise<void> {
    const renewed = await em
      .fork()
      .execute<{ sessionsFrom: Date }[]>('select sessions_from as "sessionsFrom" from auth.account where id = ?', [
        account.id,
      ]);
    const sessionsFrom = new Date(renewed[0]?.sessionsFrom ?? account.sessionsFrom);
    await sessions.signIn(ctx, { ...account, sessionsFrom }, method);
  }

  /** Shows the account, or answers a script, which then loads it. */
  async function answer(
    ctx: Context,
    session: PersonSession,
    result: { done: keyof typeof DONE } | { problem: string; status?: number },
  ): Promise<void> {
    const isScript = ctx.is('application/json');
    if ('done' in result) {
      // loaded again: the session of this browser may be a new one, whose id is in no form that was sent
      const location = `/account?done=${result.done}`;
      if (isScript) ctx.body = { location };
      else redirect(ctx, location);
      return;
    }
    const { problem, status = 400 } = result;
    if (isScript) throw new PageError(status, problem.replace(/\.$/, ''), '');
    ctx.status = status;
    await show(ctx, session, { problem });
  }

  async function readAccountForm(ctx: Context): Promise<{ session: PersonSession; form: URLSearchParams }> {
    const form = await readForm(ctx, issuer);
    return { session: await requireSession(ctx, form.get('form_token')), form };
  }

  async function readAccountScript(ctx: Context) {
    const body = await readScriptRequest(ctx, issuer);
    return { session: await requireSession(ctx, body.form_token), body };
  }

  async function readAccountChange(ctx: Context) {
    if (ctx.is('application/json')) return readAccountScript(ctx);
    const { session, form } = await readAccountForm(ctx);
    return { session, body: Object.fromEntries(form) as Readonly<Record<string, unknown>> };
  }

  async function requireSession(ctx: Context, formToken: unknown): Promise<PersonSession> {
    requireOwnOrigin(ctx, issuer);
    const session = await sessions.find(ctx);
    if (session === undefined) throw new PageError(401, 'You are not signed in', 'Sign in at /sign-in, and try again.');
    const expected = Buffer.from(formTokenOf(session));
    const actual = Buffer.from(toText(formToken));
    if (actual.length !== expected.length || !timingSafeEqual(actual, expected))
      throw new PageError(403, 'This form belongs to another session', 'Open your account page again.');
    return session;
  }

  function formTokenOf({ uid, account, signedInAt }: PersonSession): string {
    return createHmac('sha256', formKey).update(`${uid} ${account.id} ${signedInAt}`).digest('base64url');
  }

  async function show(
    ctx: Context,
    session: PersonSession,
    result: { done?: string; problem?: string } = {},
  ): Promise<void> {
    const { account } = session;
    const { passkeys: known, passwordChangedAt } = await readAuthenticators(em.fork(), account.id);
    const done = result.done ?? Object.entries(DONE).find(([code]) => code === ctx.query.done)?.[1];
    sendAccountPage(ctx, {
      username: account.displayName,
      formToken: formTokenOf(session),
      clients: await describeClients(await connections.list({ accountId: account.id })),
      passkeys: known.map(({ id, name, createdAt, lastUsedAt }) => ({
        id,
        name,
        text: `added ${toMinutes(createdAt)}, last used ${lastUsedAt ? toMinutes(lastUsedAt) : 'never'}`,
      })),
      hasPassword: passwordChangedAt !== undefined,
      passwordRule: PASSWORD_RULE,
      sessions: (await sessions.list(account)).map(({ uid, signedInAt, method }) => ({
        text: `signed in ${toMinutes(new Date(signedInAt * 1000))} with a ${method === 'hwk' ? 'passkey' : 'password'}`,
        isThis: uid === session.uid,
      })),
      events: (await listAccountEvents(em, account.id, MAX_EVENTS)).map((event) => ({
        at: event.at.toISOString(),
        text: describeEvent(event),
      })),
      done,
      problem: result.problem,
    });
  }

  async function describeClients(rows: readonly ConnectionRow[]): Promise<AccountClient[]> {
    const byClient = Map.groupBy(rows, ({ clientId }) => clientId);
    return Promise.all(
      [...byClient].map(async ([clientId, own]) => {
        const client = await clients.find(clientId);
        return {
          clientId,
          name: `“${own[0]?.clientName}”`,
          voucher: client === undefined ? 'This client is disabled.' : describeVoucher(client),
          connections: own.map(describeRow),
        };
      }),
    );
  }
}

function describeRow(connection: ConnectionRow): AccountClient['connections'][number] {
  const { id, scopes, createdAt, lastUsedAt, redirectHost, repeatedUses, repeatedUseNetworks } = connection;
  return {
    id,
    may: scopes.map((scope) => (SCOPES[scope as Scope] ?? scope).toLowerCase()),
    since: toMinutes(createdAt),
    // an access token is verified without auth, so its own uses are not known here
    lastUsed: lastUsedAt ? `It last got an access token ${toMinutes(lastUsedAt)}.` : 'It has not been used yet.',
    destination: isLoopbackHost(redirectHost) ? 'this computer' : redirectHost,
    ...(repeatedUseNetworks.length > 1 && {
      warning: `Its refresh token was used again ${repeatedUses} times, from ${repeatedUseNetworks.length} networks. If you do not know why, take the access back.`,
    }),
  };
}

/** The sentences of what a form did, by the code with which the page is loaded again. */
const DONE = {
  password: 'The password is set. Every other session has ended.',
  sessions: 'Every other session has ended.',
  'password-removed': 'The password is removed.',
  'passkey-removed': 'The passkey is removed.',
} as const;

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

function toMinutes(date: Date): string {
  return date.toISOString().slice(0, 16).replace('T', ' ');
}
