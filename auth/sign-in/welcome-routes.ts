import { hash } from 'node:crypto';
import Router, { type RouterContext } from '@koa/router';
import { UniqueConstraintViolationException } from '@mikro-orm/core';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { Context } from 'koa';
import * as z from 'zod';
import { type Account, AccountEntity } from '../accounts/account.entity.ts';
import { createAccountId } from '../accounts/account-id.ts';
import { endSessions, findAccount, lockAccount } from '../accounts/accounts.ts';
import { normalizeUsername, USERNAME, Username } from '../accounts/username.ts';
import { insertSuccess } from '../audit/audit.ts';
import { addPasskey, readAuthenticators, setPassword } from '../authenticators/authenticators.ts';
import { PasskeyEntity } from '../authenticators/passkey.entity.ts';
import { type NewPasskey, PasskeyRejectedError, type Passkeys } from '../authenticators/passkeys.ts';
import { PasswordEntity } from '../authenticators/password.entity.ts';
import type { PasswordHashing } from '../authenticators/password-hash.ts';
import { findPasswordProblem, PASSWORD_RULE } from '../authenticators/password-rule.ts';
import type { Connections } from '../connections/connections.ts';
import { revokeConnections } from '../connections/revoke-connections.ts';
import { OneTimeLinkEntity, type OneTimeLinkRow } from '../one-time-links/one-time-link.entity.ts';
import { consumeLink, findLink, WELCOME_PATH } from '../one-time-links/one-time-links.ts';
import { PageError } from '../pages/page-error.ts';
import { readForm, readScriptRequest } from '../pages/read-form.ts';
import { redirect } from '../pages/send-page.ts';
import type { AuthenticationMethod, PersonSessions } from '../provider/person-sessions.ts';
import type { StatusLists } from '../status-lists/status-lists.ts';
import { sendLinkPage, sendNewAuthenticatorPage } from './pages/welcome-page.ts';
import { originOf } from './sign-in.ts';

/** The authenticator that a person chose. */
type NewAuthenticator = { readonly passwordHash: string } | { readonly passkey: NewPasskey };

/** What a person sends with a one-time link. */
type LinkUse = z.infer<typeof LinkUse>;

/** Creates the pages to which one-time links lead: make an account, or get back into it. */
export function welcomeRoutes({
  issuer,
  em,
  passkeys,
  hashing,
  sessions,
  connections,
  statusLists,
}: {
  issuer: string;
  em: SqlEntityManager;
  passkeys: Passkeys;
  hashing: PasswordHashing;
  sessions: Pick<PersonSessions, 'signIn'>;
  connections: Pick<Connections, 'list'>;
  statusLists: Pick<StatusLists, 'catchUp'>;
}): Router {
  const router = new Router({ prefix: WELCOME_PATH });
  // a GET changes nothing: programs that show previews of links send GETs
  router.get('/', async (ctx: RouterContext) => sendLinkPage(ctx));
  router.post('/', useLink);
  router.post('/passkey-options', createPasskeyOptions);
  router.post('/passkey', useLinkWithPasskey);
  return router;

  async function useLink(ctx: RouterContext): Promise<void> {
    const form = await readForm(ctx, issuer);
    const token = (form.get('token') ?? '').trim().split('#').at(-1) ?? '';
    const link = await findLink(em, token);
    if (link === undefined) {
      ctx.status = 400;
      sendLinkPage(ctx, { problem: LINK_NOT_VALID });
      return;
    }
    const [username, password] = [form.get('username'), form.get('password')];
    if (username === null || password === null) {
      await showForm(ctx, link, token, {});
      return;
    }
    const problem = findPasswordProblem(password, username);
    if (problem !== undefined) {
      ctx.status = 400;
      await showForm(ctx, link, token, { username, problem });
      return;
    }
    try {
      const passwordHash = await hashing.hash(password);
      await complete(ctx, { token, username, keep: form.getAll('keep') }, { passwordHash });
    } catch (error) {
      if (!(error instanceof PageError) || error.status !== 409) throw error;
      ctx.status = 409;
      await showForm(ctx, link, token, { username, problem: `${error.message}. ${error.advice}` });
      return;
    }
    redirect(ctx, '/account');
  }

  async function createPasskeyOptions(ctx: RouterContext): Promise<void> {
    const { token, username } = parseLinkUse(await readScriptRequest(ctx, issuer));
    const link = await getLink(token);
    const name = requireUsername(username);
    ctx.body = await passkeys.createRegistrationOptions(purposeOf(token), {
      id: link.accountId ?? accountIdOf(token),
      name,
    });
  }

  async function useLinkWithPasskey(ctx: RouterContext): Promise<void> {
    const { credential, ...given } = await readScriptRequest(ctx, issuer);
    const use = parseLinkUse(given);
    await getLink(use.token);
    try {
      const passkey = await passkeys.verifyRegistration(purposeOf(use.token), credential);
      await complete(ctx, use, { passkey });
    } catch (cause) {
      if (cause instanceof UniqueConstraintViolationException) throw passkeyInUse(cause);
      if (!(cause instanceof PasskeyRejectedError)) throw cause;
      throw new PageError(400, 'This passkey is not accepted', 'Try again, or choose a password.', { cause });
    }
    ctx.body = { location: '/account' };
  }

  /** Uses the link up, and signs the person in. */
  async function complete(ctx: Context, use: LinkUse, authenticator: NewAuthenticator): Promise<void> {
    const link = await getLink(use.token);
    const account =
      link.accountId == null
        ? await createAccount(ctx, use, authenticator)
        : await recover(ctx, link.accountId, use, authenticator);
    const method: AuthenticationMethod = 'passkey' in authenticator ? 'hwk' : 'pwd';
    await sessions.signIn(ctx, account, method);
  }

  async function createAccount(
    ctx: Context,
    { token, username }: LinkUse,
    authenticator: NewAuthenticator,
  ): Promise<Account> {
    const name = requireUsername(username);
    // the id that a passkey has as its user handle
    const id = 'passkey' in authenticator ? accountIdOf(token) : createAccountId();
    try {
      await em.fork().transactional(async (transaction) => {
        if (!(await consumeLink(transaction, token))) throw linkNotValid();
        await transaction.insert(AccountEntity, { id, username: normalizeUsername(name), displayName: name });
        await addAuthenticator(transaction, id, authenticator);
        await insertSuccess(transaction, originOf(ctx, { id }), 'user.create', id, { username: name });
      });
    } catch (error) {
      if (!(error instanceof UniqueConstraintViolationException)) throw error;
      if (/passkey/.test(error.message)) throw passkeyInUse(error);
      throw new PageError(409, 'Another account has this user name', 'Choose another user name.', { cause: error });
    }
    return getAccount(id);
  }

  /** Adds the new authenticator, and removes every other one and every connection that the person does not keep. */
  async function recover(
    ctx: Context,
    id: string,
    { token, keep }: LinkUse,
    authenticator: NewAuthenticator,
  ): Promise<Account> {
    await em.fork().transactional(async (transaction) => {
      // the account first, as everywhere: its rows are locked in one order
      await lockAccount(transaction, id);
      if (!(await consumeLink(transaction, token))) throw linkNotValid();
      const ways = await readAuthenticators(transaction, id);
      for (const passkey of ways.passkeys)
        if (!keep.includes(`passkey ${passkey.id}`)) await transaction.nativeDelete(PasskeyEntity, { id: passkey.id });
      if (!keep.includes('password')) await transaction.nativeDelete(PasswordEntity, { accountId: id });
      await addAuthenticator(transaction, id, authenticator);
      const except = keep.flatMap((value) =>
        value.startsWith('connection ') ? [value.slice('connection '.length)] : [],
      );
      const request = { ...originOf(ctx, { id }), reason: 'the account was recovered' };
      await revokeConnections(transaction, { accountId: id, except }, request);
      await endSessions(transaction, id);
      await transaction.nativeDelete(OneTimeLinkEntity, { accountId: id });
      await insertSuccess(transaction, originOf(ctx, { id }), 'user.recover', id, {});
    });
    await statusLists.catchUp();
    return getAccount(id);
  }

  async function showForm(
    ctx: Context,
    { accountId, displayName }: OneTimeLinkRow,
    token: string,
    { username, problem }: { username?: string; problem?: string },
  ): Promise<void> {
    const account = accountId == null ? undefined : await getAccount(accountId);
    sendNewAuthenticatorPage(ctx, {
      token,
      username: account?.displayName ?? username ?? displayName ?? '',
      isRecovery: account !== undefined,
      passwordRule: PASSWORD_RULE,
      kept: account === undefined ? [] : await describeKept(account.id),
      ...(problem !== undefined && { problem }),
    });
  }

  async function describeKept(accountId: string) {
    const { passkeys: known, passwordChangedAt } = await readAuthenticators(em.fork(), accountId);
    return [
      ...known.map(({ id, name }) => ({ value: `passkey ${id}`, text: `the passkey “${name}”` })),
      ...(passwordChangedAt === undefined
        ? []
        : [{ value: 'password', text: 'the current password, if you go on with a passkey' }]),
      ...(await connections.list({ accountId })).map((connection) => ({
        value: `connection ${connection.id}`,
        text: `the access of “${connection.clientName}” since ${connection.createdAt.toISOString().slice(0, 10)}`,
      })),
    ];
  }

  async function getLink(token: string): Promise<OneTimeLinkRow> {
    const link = await findLink(em, token);
    if (link === undefined) throw linkNotValid();
    return link;
  }

  async function getAccount(id: string): Promise<Account> {
    const account = await findAccount(em, id);
    if (account === undefined) throw linkNotValid();
    return account;
  }
}

async function addAuthenticator(
  transaction: SqlEntityManager,
  accountId: string,
  authenticator: NewAuthenticator,
): Promise<void> {
  if ('passkey' in authenticator) await addPasskey(transaction, accountId, authenticator.passkey, 'First passkey');
  else await setPassword(transaction, accountId, authenticator.passwordHash);
}

const LINK_NOT_VALID = 'This link is not valid: it was used, or has expired. Ask your administrator for a new one.';

function linkNotValid(): PageError {
  return new PageError(
    400,
    'This link is not valid',
    'It was used, or has expired. Ask your administrator for a new one.',
  );
}

function requireUsername(username: string): string {
  const parsed = Username.safeParse(username);
  if (!parsed.success) throw new PageError(400, 'This is not a user name', `A user name has ${USERNAME}.`);
  return parsed.data;
}

const LinkUse = z.object({
  token: z.string().max(1_000),
  username: z.string().max(1_000),
  keep: z.array(z.string().max(3_000)).max(1_000).default([]),
});

function parseLinkUse(given: unknown): LinkUse {
  const { success, data } = LinkUse.safeParse(given);
  if (!success) throw new PageError(400, 'This form is not complete', 'Load the page again, and send the form again.');
  return data;
}

function passkeyInUse(cause: unknown): PageError {
  return new PageError(409, 'This passkey is registered already', 'Use another one, or choose a password.', { cause });
}

/** The id of the account that a link makes. A passkey has it before the account exists. */
function accountIdOf(token: string): string {
  return `usr_${hash('sha256', `account of ${token}`, 'base64url').slice(0, 22)}`;
}

function purposeOf(token: string): string {
  return `register with the link ${hash('sha256', token, 'base64url')}`;
}
