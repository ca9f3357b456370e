import type { Context } from 'koa';
import { html } from '../../pages/html.ts';
import { sendPage } from '../../pages/send-page.ts';

/** Sends the page to which a one-time link leads. A script moves the token from the address into the form. */
export function sendLinkPage(ctx: Context, { problem }: { problem?: string } = {}): void {
  sendPage(ctx, {
    title: 'Welcome',
    scripts: ['welcome.js'],
    body: html`<h1>Welcome to yata</h1>
${problem !== undefined && html`<p class="problem" role="alert">${problem}</p>`}
<form method="post" action="/welcome" id="link">
<p><label for="token">Your one-time link, or the part of it after #</label>
<input id="token" name="token" autocomplete="off" autocapitalize="none" spellcheck="false" required></p>
<p><button type="submit" class="primary">Continue</button></p>
</form>`,
  });
}

/** What the page shows on which a person gets an authenticator. */
export type NewAuthenticatorPage = {
  readonly token: string;
  /** The user name: fixed for a recovery, a proposal for a new account. */
  readonly username: string;
  readonly isRecovery: boolean;
  readonly passwordRule: string;
  /** What a recovery removes unless the person keeps it. */
  readonly kept: readonly { readonly value: string; readonly text: string }[];
  readonly problem?: string;
};

/** Sends the page on which a person makes an account, or gets a new way to sign in to it. */
export function sendNewAuthenticatorPage(ctx: Context, page: NewAuthenticatorPage): void {
  const { token, username, isRecovery, passwordRule, kept, problem } = page;
  sendPage(ctx, {
    title: isRecovery ? 'Get back into your account' : 'Make your account',
    scripts: ['passkey.js'],
    body: html`<h1>${isRecovery ? 'Get back into your account' : 'Make your account'}</h1>
${problem !== undefined && html`<p class="problem" role="alert">${problem}</p>`}
<form method="post" action="/welcome" id="new-authenticator">
<input type="hidden" name="token" value="${token}">
<p><label for="username">User name</label>
<input id="username" name="username" value="${username}" autocomplete="username" autocapitalize="none" spellcheck="false" maxlength="64" required${isRecovery && html` readonly`}></p>
${
  kept.length > 0 &&
  html`<fieldset>
<legend>Everything below is removed. Tick what you know and want to keep.</legend>
${kept.map(
  ({ value, text }, index) =>
    html`<p class="choice"><input type="checkbox" id="keep-${index}" name="keep" value="${value}"><label for="keep-${index}">${text}</label></p>`,
)}
</fieldset>`
}
<div data-passkey="register" data-action="/welcome" data-form="new-authenticator" hidden>
<p><button type="button" class="primary">Continue with a passkey</button></p>
<p class="problem" role="alert" hidden></p>
<p class="or">or</p>
</div>
<p><label for="password">New password</label>
<input id="password" name="password" type="password" autocomplete="new-password" aria-describedby="rule" required></p>
<p class="hint" id="rule">${passwordRule}</p>
<p><button type="submit">Continue with a password</button></p>
</form>`,
  });
}
