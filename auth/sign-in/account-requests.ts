import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Context } from 'koa';
import { PageError } from '../pages/page-error.ts';
import { readForm, readScriptRequest } from '../pages/read-form.ts';
import type { PersonSession, PersonSessions } from '../provider/person-sessions.ts';

/**
 * The requests of the account page. Each needs a session, and the token that the page of this session has in its forms (CSRF).
 * Each rejects with a {@link PageError}.
 */
export type AccountRequests = {
  /** Creates the token for the forms of a page. */
  readonly createFormToken: (session: PersonSession) => string;
  readonly readForm: (ctx: Context) => Promise<{ session: PersonSession; form: URLSearchParams }>;
  readonly readScript: (ctx: Context) => Promise<AccountChange>;
  /** Reads a form or the JSON of a script. */
  readonly readChange: (ctx: Context) => Promise<AccountChange>;
};

type AccountChange = { session: PersonSession; body: Readonly<Record<string, unknown>> };

/** Creates the reading of requests of the account page. */
export function createAccountRequests({
  issuer,
  formKey,
  sessions,
}: {
  issuer: string;
  /** The key of the tokens in forms. */
  formKey: Buffer;
  sessions: Pick<PersonSessions, 'find'>;
}): AccountRequests {
  return {
    createFormToken: formTokenOf,
    readForm: readAccountForm,
    readScript: readAccountScript,
    async readChange(ctx) {
      if (ctx.is('application/json')) return readAccountScript(ctx);
      const { session, form } = await readAccountForm(ctx);
      return { session, body: Object.fromEntries(form) };
    },
  };

  async function readAccountForm(ctx: Context): Promise<{ session: PersonSession; form: URLSearchParams }> {
    const form = await readForm(ctx, issuer);
    return { session: await requireSession(ctx, form.get('form_token')), form };
  }

  async function readAccountScript(ctx: Context) {
    const body = await readScriptRequest(ctx, issuer);
    return { session: await requireSession(ctx, body.form_token), body };
  }

  async function requireSession(ctx: Context, formToken: unknown): Promise<PersonSession> {
    const session = await sessions.find(ctx);
    if (session === undefined) throw new PageError(401, 'You are not signed in', 'Sign in at /sign-in, and try again.');
    const expected = Buffer.from(formTokenOf(session));
    const actual = Buffer.from(typeof formToken === 'string' ? formToken : '');
    if (actual.length !== expected.length || !timingSafeEqual(actual, expected))
      throw new PageError(403, 'This form belongs to another session', 'Open your account page again.');
    return session;
  }

  function formTokenOf({ uid, account, signedInAt }: PersonSession): string {
    return createHmac('sha256', formKey).update(`${uid} ${account.id} ${signedInAt}`).digest('base64url');
  }
}
