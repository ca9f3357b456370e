import type { Context } from 'koa';
import { html } from '../../pages/html.ts';
import { sendPage } from '../../pages/send-page.ts';

/** What the sign-in page shows. */
export type SignInPage = {
  /** Where the form and the passkey requests go. */
  readonly action: string;
  /** The client that waits for the person, as the person reads it. */
  readonly client?: string | undefined;
  /** The user name that the person entered. */
  readonly username?: string;
  /** Why the person is not signed in yet. */
  readonly problem?: string;
};

/** Sends the sign-in page: with a password without scripts, or with a passkey. */
export function sendSignInPage(ctx: Context, { action, client, username = '', problem }: SignInPage): void {
  sendPage(ctx, {
    title: 'Sign in',
    scripts: ['passkey.js'],
    leadsToClient: client !== undefined,
    body: html`<h1>Sign in</h1>
${client !== undefined && html`<p>to continue to <strong>${client}</strong></p>`}
${problem !== undefined && html`<p class="problem" role="alert">${problem}</p>`}
<div data-passkey="sign-in" data-action="${action}" hidden>
<p><button type="button" class="primary">Sign in with a passkey</button></p>
<p class="problem" role="alert" hidden></p>
<p class="or">or</p>
</div>
<form method="post" action="${action}">
<input type="hidden" name="action" value="sign-in">
<p><label for="username">User name</label>
<input id="username" name="username" value="${username}" autocomplete="username webauthn" autocapitalize="none" spellcheck="false" required></p>
<p><label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required></p>
<p><button type="submit">Sign in with a password</button></p>
</form>
<p class="hint">No account, or cannot sign in? Ask your administrator for a link.</p>`,
  });
}
