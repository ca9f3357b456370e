import type { PublicKeyCredentialRequestOptionsJSON } from '@simplewebauthn/server';
import type { Context } from 'koa';
import { noteLimit } from '../../shared/http/limits-reached.ts';
import { requestId } from '../../shared/http/request-id.ts';
import type { Account } from '../accounts/account.entity.ts';
import { normalizeUsername } from '../accounts/username.ts';
import type { RecordAuditEvent, RequestOrigin } from '../audit/audit.ts';
import { PasskeyRejectedError, type Passkeys } from '../authenticators/passkeys.ts';
import type { PasswordResult, VerifyPassword } from '../authenticators/password-verifier.ts';
import { PageError } from '../pages/page-error.ts';
import type { AuthenticationMethod, PersonSessions } from '../provider/person-sessions.ts';
import { createNetworkLimit } from '../request-limits/network-limit.ts';

/** The passkey challenges for one network: each stores a row. */
const CHALLENGES = { points: 60, seconds: 600 };

/** The one sentence for every failure: it does not tell whether an account exists. */
const SIGN_IN_FAILED = 'The user name or the password is wrong, or the account is disabled.';

const TOO_MANY_FAILURES = 'Signing in failed too often';

/** For what a password or a passkey is checked: to sign in, or to confirm a change of the authenticators. */
type CheckedAction = 'user.sign-in' | 'user.confirm';

/** Signs persons in, in the session of the browser, and records each attempt in the audit. */
export type SignIn = {
  /** Returns the problem that the person reads, or undefined when the person is signed in. */
  readonly withPassword: (
    ctx: Context,
    attempt: { readonly username: string; readonly password: string },
  ) => Promise<string | undefined>;
  /** @throws {PageError} when there were too many from this address: each stores a challenge. */
  readonly createPasskeyOptions: (ctx: Context, purpose: string) => Promise<PublicKeyCredentialRequestOptionsJSON>;
  /** @throws {PageError} when the passkey is not accepted. */
  readonly withPasskey: (ctx: Context, purpose: string, credential: unknown) => Promise<void>;
  /** Checks a password or a passkey of an account that is signed in, before a change of its authenticators. */
  readonly confirm: {
    /** @throws {PageError} when the password is wrong, or there were too many wrong ones. */
    readonly withPassword: (ctx: Context, account: Account, password: string) => Promise<void>;
    /** @throws {PageError} */
    readonly withPasskey: (ctx: Context, account: Account, purpose: string, credential: unknown) => Promise<void>;
  };
};

/** Creates the sign-in of persons. */
export function createSignIn({
  verifyPassword,
  passkeys,
  sessions,
  findAccount,
  record,
}: {
  verifyPassword: VerifyPassword;
  passkeys: Passkeys;
  sessions: Pick<PersonSessions, 'signIn'>;
  findAccount: (id: string) => Promise<Account | undefined>;
  record: RecordAuditEvent;
}): SignIn {
  const countChallenge = createNetworkLimit(CHALLENGES);

  return {
    async withPassword(ctx, { username, password }) {
      const result = await checkPassword(ctx, username, password, 'user.sign-in');
      if (result.kind === 'verified') {
        await complete(ctx, result.account, 'pwd');
        return undefined;
      }
      if (result.kind === 'rejected') {
        ctx.status = 401;
        return SIGN_IN_FAILED;
      }
      ctx.status = 429;
      noteLimit(ctx, 'sign_in');
      ctx.set('retry-after', String(result.seconds));
      return `${TOO_MANY_FAILURES}. Try again in ${result.seconds} seconds.`;
    },
    async createPasskeyOptions(ctx, purpose) {
      const wait = countChallenge(ctx.ip);
      if (wait === undefined) return passkeys.createAuthenticationOptions(purpose);
      noteLimit(ctx, 'passkey_challenges');
      throw new PageError(429, 'There were too many attempts from this address', `Try again in ${wait} seconds.`, {
        retryAfterSeconds: wait,
      });
    },
    async withPasskey(ctx, purpose, credential) {
      await complete(ctx, await checkPasskey(ctx, purpose, credential, 'user.sign-in'), 'hwk');
    },
    confirm: {
      async withPassword(ctx, account, password) {
        const result = await checkPassword(ctx, account.username, password, 'user.confirm');
        if (result.kind === 'verified') return;
        if (result.kind === 'rejected')
          throw new PageError(401, 'The current password is wrong', 'Enter the password of your account.');
        noteLimit(ctx, 'sign_in');
        throw new PageError(429, TOO_MANY_FAILURES, `Try again in ${result.seconds} seconds.`, {
          retryAfterSeconds: result.seconds,
        });
      },
      async withPasskey(ctx, account, purpose, credential) {
        const confirmed = await checkPasskey(ctx, purpose, credential, 'user.confirm');
        if (confirmed.id !== account.id)
          throw new PageError(403, 'This passkey is of another account', 'Use a passkey of this account.');
      },
    },
  };

  async function checkPassword(
    ctx: Context,
    username: string,
    password: string,
    action: CheckedAction,
  ): Promise<PasswordResult> {
    const result = await verifyPassword({ username, password, address: ctx.ip });
    if (result.kind === 'rejected')
      recordFailure(ctx, action, { method: 'password', username: normalizeUsername(username).slice(0, 100) });
    return result;
  }

  async function checkPasskey(
    ctx: Context,
    purpose: string,
    credential: unknown,
    action: CheckedAction,
  ): Promise<Account> {
    try {
      const account = await findAccount(await passkeys.verifyAuthentication(purpose, credential));
      if (account?.active) return account;
      throw new PasskeyRejectedError('the account is disabled');
    } catch (cause) {
      if (!(cause instanceof PasskeyRejectedError)) throw cause;
      recordFailure(ctx, action, { method: 'passkey', reason: cause.message });
      throw new PageError(401, 'This passkey is not accepted', 'Use another passkey, or a password.', { cause });
    }
  }

  async function complete(ctx: Context, account: Account, method: AuthenticationMethod): Promise<void> {
    await sessions.signIn(ctx, account, method);
    record({
      ...originOf(ctx, account),
      action: 'user.sign-in',
      target: account.id,
      outcome: 'success',
      detail: { method: method === 'pwd' ? 'password' : 'passkey' },
    });
  }

  function recordFailure(ctx: Context, action: CheckedAction, detail: Record<string, unknown>): void {
    record({ ...originOf(ctx), action, target: null, outcome: 'refused', detail });
  }
}

/** The origin of what a person does on a page. */
export function originOf(ctx: Context, account?: Pick<Account, 'id'>): RequestOrigin {
  return {
    actor: account?.id ?? null,
    accountId: account?.id ?? null,
    address: ctx.ip,
    requestId: requestId(ctx),
  };
}
