import type { Context } from 'koa';
import { html } from '../../pages/html.ts';
import { sendPage } from '../../pages/send-page.ts';

/** The clients that have access, each with its connections. */
export type AccountClient = {
  readonly clientId: string;
  readonly name: string;
  readonly voucher: string;
  readonly connections: readonly {
    readonly id: string;
    readonly may: readonly string[];
    readonly since: string;
    readonly lastUsed: string;
    readonly destination: string;
    readonly warning?: string | undefined;
  }[];
};

/** What the account page shows. */
export type AccountPage = {
  readonly username: string;
  /** Comes back with every form. */
  readonly formToken: string;
  readonly clients: readonly AccountClient[];
  readonly passkeys: readonly { readonly id: string; readonly name: string; readonly text: string }[];
  readonly hasPassword: boolean;
  readonly passwordRule: string;
  readonly sessions: readonly { readonly text: string; readonly isThis: boolean }[];
  readonly events: readonly { readonly at: string; readonly text: string }[];
  /** What a form has just done. */
  readonly notice?: string | undefined;
  readonly problem?: string | undefined;
};

/** Sends the page on which a person sees which assistants have access, and takes it back. */
export function sendAccountPage(ctx: Context, page: AccountPage): void {
  const { username, formToken, clients, passkeys, hasPassword, passwordRule, sessions, events, notice, problem } = page;
  const token = html`<input type="hidden" name="form_token" value="${formToken}">`;
  // a change of the authenticators needs one of them in the same request
  const confirmation = (id: string) =>
    hasPassword &&
    html`<p><label for="${id}">Current password</label>
<input id="${id}" name="current_password" type="password" autocomplete="current-password" required></p>`;
  sendPage(ctx, {
    title: 'Your account',
    scripts: ['passkey.js'],
    body: html`<h1>${username}</h1>
${notice !== undefined && html`<p class="done" role="status">${notice}</p>`}
${problem !== undefined && html`<p class="problem" role="alert">${problem}</p>`}
<form method="post" action="/sign-out"><p><button type="submit">Sign out</button></p></form>
<h2>Assistants with access</h2>
${clients.length === 0 && html`<p>None. Add the address of the MCP server to your assistant to connect it.</p>`}
${clients.map(
  (client, clientIndex) => html`<section aria-labelledby="client-${clientIndex}">
<h3 id="client-${clientIndex}">${client.name}</h3>
<p class="hint">${client.voucher}</p>
${client.connections.map(
  (connection, index) => html`<div class="connection">
<p>It may: ${connection.may.join(', ')}.</p>
<p>Since ${connection.since}. ${connection.lastUsed} The access went to ${connection.destination}.</p>
${connection.warning !== undefined && html`<p class="warning">${connection.warning}</p>`}
<form method="post" action="/account/take-back">${token}<input type="hidden" name="connection" value="${connection.id}">
<p><button type="submit" class="danger" aria-label="Take back the access of ${client.name}, number ${index + 1}">Take back</button></p></form>
</div>`,
)}
${
  client.connections.length > 1 &&
  html`<form method="post" action="/account/take-back">${token}<input type="hidden" name="client" value="${client.clientId}">
<p><button type="submit" class="danger">Take back all of ${client.name}</button></p></form>`
}
</section>`,
)}
<h2>Passkeys</h2>
<ul>${passkeys.map(({ name, text }) => html`<li>${name}: ${text}</li>`)}</ul>
${passkeys.length === 0 && html`<p>You have none.</p>`}
<form id="add-passkey" method="post" action="/account">${token}
<p><label for="passkey-name">Name of a new passkey</label>
<input id="passkey-name" name="name" maxlength="60" value="Passkey"></p>
${confirmation('confirm-add')}
<div data-passkey="register" data-action="/account" data-form="add-passkey"${!hasPassword && html` data-confirm="passkey"`} hidden>
<p><button type="button">Add a passkey</button></p>
<p class="problem" role="alert" hidden></p>
</div>
</form>
${passkeys.map(
  (
    { id, name },
    index,
  ) => html`<form id="remove-passkey-${index}" method="post" action="/account/remove">${token}<input type="hidden" name="passkey" value="${id}">
${
  hasPassword
    ? html`<details><summary>Remove “${name}”</summary>${confirmation(`confirm-remove-${index}`)}<p><button type="submit" class="danger">Remove “${name}”</button></p></details>`
    : html`<div data-passkey="confirm" data-action="/account" data-form="remove-passkey-${index}" hidden><p><button type="button" class="danger">Remove “${name}”</button></p><p class="problem" role="alert" hidden></p></div>`
}
</form>`,
)}
<h2>Password</h2>
<form id="set-password" method="post" action="/account/password">${token}
<input type="hidden" name="username" value="${username}" autocomplete="username">
${confirmation('confirm-password')}
<p><label for="new-password">New password</label>
<input id="new-password" name="new_password" type="password" autocomplete="new-password" aria-describedby="rule" required></p>
<p class="hint" id="rule">${passwordRule} Every other session ends.</p>
${
  hasPassword
    ? html`<p><button type="submit">Change the password</button></p>`
    : html`<div data-passkey="confirm" data-action="/account" data-form="set-password" hidden><p><button type="button">Set a password</button></p><p class="problem" role="alert" hidden></p></div>`
}
</form>
${
  hasPassword &&
  passkeys.length > 0 &&
  html`<form method="post" action="/account/remove">${token}<input type="hidden" name="password" value="yes">
<details><summary>Remove the password</summary>${confirmation('confirm-remove-password')}<p><button type="submit" class="danger">Remove the password</button></p></details></form>`
}
<h2>Sessions</h2>
<ul>${sessions.map(({ text, isThis }) => html`<li>${text}${isThis && ' (this one)'}</li>`)}</ul>
<form method="post" action="/account/end-sessions">${token}<p><button type="submit">End all other sessions</button></p></form>
<h2>What happened lately</h2>
<ul>${events.map(({ at, text }) => html`<li><time datetime="${at}">${at.slice(0, 16).replace('T', ' ')}</time> ${text}</li>`)}</ul>
<p class="hint">Times are in UTC.</p>`,
  });
}
