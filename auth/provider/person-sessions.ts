import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { Context } from 'koa';
import type Provider from 'oidc-provider';
import type { Account } from '../accounts/account.entity.ts';
import { ArtifactEntity } from './artifact.entity.ts';

/** How a person proved who they are (RFC 8176 §2): with a password, or with a passkey. */
export type AuthenticationMethod = 'pwd' | 'hwk';

/** A session in which a person is signed in, in this browser. */
export type PersonSession = {
  readonly account: Account;
  /** Names the session without being a secret. */
  readonly uid: string;
  /** Seconds since the epoch. */
  readonly signedInAt: number;
  readonly method: AuthenticationMethod;
};

/** The sessions of persons, which oidc-provider keeps. */
export type PersonSessions = {
  /** Finds the session of this browser. A session that was ended, or whose account is disabled, is not found. */
  readonly find: (ctx: Context) => Promise<PersonSession | undefined>;
  /** Signs a person in, in a session with a new id. */
  readonly signIn: (ctx: Context, account: Account, method: AuthenticationMethod) => Promise<void>;
  /** Gives this browser a session that counts after all sessions of its account were ended. */
  readonly renew: (ctx: Context, session: PersonSession) => Promise<void>;
  readonly signOut: (ctx: Context) => Promise<void>;
  /** Lists the sessions of an account, the newest first. `signedInAt` is in seconds since the epoch. */
  readonly list: (
    account: Account,
  ) => Promise<{ readonly uid: string; readonly signedInAt: number; readonly method: string }[]>;
};

/** Creates the view of the sessions of oidc-provider. `ttl` is in seconds. */
export function createPersonSessions({
  provider,
  em,
  findAccount,
  ttl,
}: {
  provider: Provider;
  em: SqlEntityManager;
  findAccount: (id: string) => Promise<Account | undefined>;
  ttl: number;
}): PersonSessions {
  return {
    async find(ctx) {
      const session = await provider.Session.get(ctx as never);
      const { accountId, uid, loginTs, amr } = session;
      if (accountId === undefined || uid === undefined) return undefined;
      const account = await findAccount(accountId);
      if (account === undefined || !isLiveSession(loginTs, account)) return undefined;
      return { account, uid, signedInAt: Number(loginTs), method: amr?.[0] === 'hwk' ? 'hwk' : 'pwd' };
    },
    async renew(ctx, { account, method }) {
      await signIn(ctx, (await findAccount(account.id)) ?? account, method);
    },
    signIn,
    async signOut(ctx) {
      const session = await provider.Session.get(ctx as never);
      if (!isNew(session)) await session.destroy();
      ctx.cookies.set(provider.cookieName('session'), null, { ...COOKIE, secure: ctx.secure });
    },
    async list(account) {
      const rows = await em.fork().find(ArtifactEntity, {
        model: 'Session',
        accountId: account.id,
        expiresAt: { $gt: new Date() },
      });
      return rows
        .flatMap(({ payload: { uid, loginTs, amr } }) =>
          typeof uid === 'string' && typeof loginTs === 'number' && isLiveSession(loginTs, account)
            ? [{ uid, signedInAt: loginTs, method: String(Array.isArray(amr) ? amr[0] : '') }]
            : [],
        )
        .toSorted((one, other) => other.signedInAt - one.signedInAt);
    },
  };

  async function signIn(ctx: Context, account: Account, method: AuthenticationMethod): Promise<void> {
    const previous = await provider.Session.get(ctx as never);
    // a new session instead of the one in the browser: nothing that was known before signs in (session fixation)
    if (previous.uid !== undefined && !isNew(previous)) await previous.destroy();
    const session = new provider.Session();
    session.loginAccount({
      accountId: account.id,
      amr: [method],
      // never before the time at which all sessions were ended, which may be the next second
      loginTs: Math.max(Math.floor(Date.now() / 1000), Math.floor(account.sessionsFrom.getTime() / 1000)),
    });
    await session.save(ttl);
    ctx.cookies.set(provider.cookieName('session'), session.jti, {
      ...COOKIE,
      secure: ctx.secure,
      maxAge: ttl * 1000,
    });
    await em.fork().execute('update auth.account set last_sign_in_at = now() where id = ?', [account.id]);
  }
}

const COOKIE = { signed: true, httpOnly: true, sameSite: 'lax', overwrite: true, path: '/' } as const;

/** Whether a session was never stored. */
function isNew(session: object): boolean {
  return 'new' in session;
}

/** Whether a session counts in which the person signed in at `loginTs`, in seconds since the epoch. */
export function isLiveSession(loginTs: number | undefined, { active, sessionsFrom }: Account): boolean {
  return active && loginTs !== undefined && loginTs >= Math.floor(sessionsFrom.getTime() / 1000);
}
