import { hash } from 'node:crypto';
import Router, { type RouterContext } from '@koa/router';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { Context } from 'koa';
import { SCOPES, type Scope } from '../../shared/scopes.ts';
import { findAccount } from '../accounts/accounts.ts';
import type { ClientRecord, Clients } from '../clients/clients.ts';
import { allowConnection } from '../connections/allow-connection.ts';
import { PageError } from '../pages/page-error.ts';
import { readForm, readScriptRequest } from '../pages/read-form.ts';
import { redirect } from '../pages/send-page.ts';
import { INTERACTION_PATH } from '../provider/interaction-settings.ts';
import { type Interaction, InteractionNotFoundError, type Interactions } from '../provider/interactions.ts';
import type { PersonSessions } from '../provider/person-sessions.ts';
import { describeClient, quoteClientName, shortenClientName } from './describe-client.ts';
import { sendConsentPage } from './pages/consent-page.ts';
import { sendSignInPage } from './pages/sign-in-page.ts';
import { originOf, type SignIn } from './sign-in.ts';

/** Creates the pages of authorization requests: sign in, and allow or refuse. */
export function interactionRoutes({
  issuer,
  em,
  interactions,
  sessions,
  signIn,
  clients,
  connectionTtl,
}: {
  issuer: string;
  em: SqlEntityManager;
  interactions: Interactions;
  sessions: PersonSessions;
  signIn: SignIn;
  clients: Pick<Clients, 'find'>;
  /** Seconds for which a connection lives. */
  connectionTtl: number;
}): Router {
  const router = new Router({ prefix: INTERACTION_PATH });
  router.get('/:uid', showInteraction);
  router.post('/:uid', answerInteraction);
  router.post('/:uid/passkey-options', createPasskeyOptions);
  router.post('/:uid/passkey', signInWithPasskey);
  return router;

  async function showInteraction(ctx: RouterContext): Promise<void> {
    await show(ctx, await interactions.get(ctx));
  }

  async function answerInteraction(ctx: RouterContext): Promise<void> {
    const form = await readForm(ctx, issuer);
    const interaction = await interactions.get(ctx);
    switch (form.get('action')) {
      case 'sign-in':
        return signInWithPassword(ctx, interaction, form);
      case 'other-account':
        await sessions.signOut(ctx);
        return redirect(ctx, interaction.restartPath);
      case 'refuse':
        return redirect(ctx, await interactions.refuse(ctx));
      case 'allow':
        return allow(ctx, interaction, form);
      default:
        throw new PageError(400, 'This form is not complete', 'Go back, and send the form again.');
    }
  }

  async function signInWithPassword(ctx: Context, interaction: Interaction, form: URLSearchParams): Promise<void> {
    const attempt = { username: form.get('username') ?? '', password: form.get('password') ?? '' };
    const problem = await signIn.withPassword(ctx, attempt);
    // the request begins again with the session: it then asks for consent, of the account that is signed in now
    if (problem === undefined) redirect(ctx, interaction.restartPath);
    else await show(ctx, { ...interaction, prompt: 'login' }, { username: attempt.username, problem });
  }

  async function createPasskeyOptions(ctx: RouterContext): Promise<void> {
    await readScriptRequest(ctx, issuer);
    ctx.body = await signIn.createPasskeyOptions(ctx, purposeOf(await interactions.get(ctx)));
  }

  async function signInWithPasskey(ctx: RouterContext): Promise<void> {
    const { credential } = await readScriptRequest(ctx, issuer);
    const interaction = await interactions.get(ctx);
    await signIn.withPasskey(ctx, purposeOf(interaction), credential);
    ctx.body = { location: interaction.restartPath };
  }

  async function allow(ctx: Context, interaction: Interaction, form: URLSearchParams): Promise<void> {
    const session = await sessions.find(ctx);
    if (interaction.prompt !== 'consent' || session === undefined || session.account.id !== interaction.accountId)
      return redirect(ctx, interaction.restartPath);
    const { client, page } = await describe(interaction);
    // what a person allows is what the person saw: the name, the addresses and the scopes can have changed since
    if (form.get('shown') !== page.shown) {
      sendConsentPage(ctx, { ...page, problem: 'The request has changed. Read it again before you decide.' });
      return;
    }
    const scopes = interaction.scopes.filter((scope) => form.getAll('scope').includes(scope));
    if (scopes.length === 0) return redirect(ctx, await interactions.refuse(ctx));
    const connectionId = await allowConnection(
      em,
      interaction.uid,
      {
        accountId: session.account.id,
        clientId: client.clientId,
        clientName: shortenClientName(client),
        redirectHost: new URL(interaction.redirectUri).hostname,
        resource: interaction.resource,
        scopes,
        ttl: connectionTtl,
      },
      originOf(ctx, session.account),
    );
    if (connectionId === undefined)
      throw new PageError(403, 'This client or your account is disabled', 'Ask your administrator.');
    redirect(ctx, await interactions.allow(ctx, connectionId));
  }

  async function show(
    ctx: Context,
    interaction: Interaction,
    attempt: { username?: string; problem?: string } = {},
  ): Promise<void> {
    if (interaction.prompt === 'consent') {
      sendConsentPage(ctx, (await describe(interaction)).page);
      return;
    }
    const client = await getClient(interaction);
    sendSignInPage(ctx, { action: actionOf(interaction), client: quoteClientName(client), ...attempt });
  }

  async function describe(interaction: Interaction) {
    const client = await getClient(interaction);
    const account = await findAccount(em, interaction.accountId ?? '');
    if (!account?.active) throw new InteractionNotFoundError('the account was disabled or deleted');
    const described = describeClient(client, interaction.redirectUri);
    const scopes = interaction.scopes.map((name) => ({ name, sentence: SCOPES[name as Scope] ?? name }));
    const content = { client: described, account: account.displayName, scopes };
    const shown = hash(
      'sha256',
      JSON.stringify([content, client.clientId, client.redirectUris, interaction.redirectUri, interaction.resource]),
      'base64url',
    );
    return { client, page: { action: actionOf(interaction), ...content, shown } };
  }

  async function getClient({ clientId }: Interaction): Promise<ClientRecord> {
    const client = await clients.find(clientId);
    if (client === undefined)
      throw new PageError(
        403,
        'This client is disabled',
        'Ask your administrator, then start again from your assistant.',
      );
    return client;
  }
}

function actionOf({ uid }: Interaction): string {
  return `${INTERACTION_PATH}/${uid}`;
}

function purposeOf({ uid }: Interaction): string {
  return `sign in at the interaction ${uid}`;
}
