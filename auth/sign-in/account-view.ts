import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { Context } from 'koa';
import { SCOPES, type Scope } from '../../shared/scopes.ts';
import { listAccountEvents } from '../audit/audit.ts';
import { readAuthenticators } from '../authenticators/authenticators.ts';
import { PASSWORD_RULE } from '../authenticators/password-rule.ts';
import type { Clients } from '../clients/clients.ts';
import { isLoopbackHost } from '../clients/redirect-uri.ts';
import type { ConnectionRow } from '../connections/connection.entity.ts';
import type { Connections } from '../connections/connections.ts';
import { PageError } from '../pages/page-error.ts';
import { redirect } from '../pages/send-page.ts';
import type { PersonSession, PersonSessions } from '../provider/person-sessions.ts';
import { describeVoucher } from './describe-client.ts';
import { describeEvent } from './describe-event.ts';
import { type AccountClient, sendAccountPage } from './pages/account-page.ts';

const MAX_EVENTS = 20;

/** What a form did, by the code with which the page is loaded again. */
const DONE = {
  password: 'The password is set. Every other session has ended.',
  sessions: 'Every other session has ended.',
  'password-removed': 'The password is removed.',
  'passkey-removed': 'The passkey is removed.',
} as const;

type DoneCode = keyof typeof DONE;

/** Shows the account page. */
export type AccountView = {
  readonly show: (
    ctx: Context,
    session: PersonSession,
    result?: { readonly notice?: string | undefined; readonly problem?: string },
  ) => Promise<void>;
  /**
   * Makes a change, and answers with the page, or for a script, with JSON. `change` returns what was done, or throws a
   * {@link PageError} with what is wrong.
   */
  readonly answer: (ctx: Context, session: PersonSession, change: () => Promise<DoneCode>) => Promise<void>;
};

/** Creates the view of accounts. */
export function createAccountView({
  em,
  sessions,
  clients,
  connections,
  createFormToken,
}: {
  em: SqlEntityManager;
  sessions: Pick<PersonSessions, 'list'>;
  clients: Pick<Clients, 'find'>;
  connections: Pick<Connections, 'list'>;
  createFormToken: (session: PersonSession) => string;
}): AccountView {
  return { show, answer };

  async function answer(ctx: Context, session: PersonSession, change: () => Promise<DoneCode>): Promise<void> {
    const isScript = ctx.is('application/json');
    try {
      // loaded again: the session of this browser may be a new one, whose id is in no form that was sent
      const location = `/account?done=${await change()}`;
      if (isScript) ctx.body = { location };
      else redirect(ctx, location);
    } catch (error) {
      if (isScript || !(error instanceof PageError)) throw error;
      ctx.status = error.status;
      if (error.retryAfterSeconds !== undefined) ctx.set('retry-after', String(error.retryAfterSeconds));
      await show(ctx, session, { problem: error.text });
    }
  }

  async function show(
    ctx: Context,
    session: PersonSession,
    result: { notice?: string | undefined; problem?: string } = {},
  ): Promise<void> {
    const { account } = session;
    const { passkeys: known, passwordChangedAt } = await readAuthenticators(em.fork(), account.id);
    const done = Object.entries(DONE).find(([code]) => code === ctx.query.done)?.[1];
    sendAccountPage(ctx, {
      username: account.displayName,
      formToken: createFormToken(session),
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
      notice: result.notice ?? done,
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

function toMinutes(date: Date): string {
  return date.toISOString().slice(0, 16).replace('T', ' ');
}
