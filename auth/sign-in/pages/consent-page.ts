import type { Context } from 'koa';
import { html } from '../../pages/html.ts';
import { sendPage } from '../../pages/send-page.ts';
import type { DescribedClient } from '../describe-client.ts';

/** What the consent page shows. */
export type ConsentPage = {
  readonly action: string;
  readonly client: DescribedClient;
  readonly account: string;
  /** The scopes that the client asks for, each with its sentence. */
  readonly scopes: readonly { readonly name: string; readonly sentence: string }[];
  /** A hash of everything above, which comes back with the form. */
  readonly shown: string;
  readonly problem?: string;
};

/** Sends the page on which a person allows a client to use the todos. */
export function sendConsentPage(ctx: Context, page: ConsentPage): void {
  const { action, client, account, scopes, shown, problem } = page;
  sendPage(ctx, {
    title: 'Allow access',
    leadsToClient: true,
    body: html`<h1>${client.name} wants to use your todos</h1>
${problem !== undefined && html`<p class="problem" role="alert">${problem}</p>`}
<dl>
<dt>Who says so</dt><dd>${client.voucher}</dd>
<dt>Where the access goes</dt><dd><strong>${client.destination}</strong></dd>
<dt>Signed in as</dt><dd>${account}</dd>
</dl>
${client.warnings.map((warning) => html`<p class="warning">${warning}</p>`)}
<form method="post" action="${action}">
<input type="hidden" name="shown" value="${shown}">
<fieldset>
<legend>It may</legend>
${scopes.map(
  ({ name, sentence }) =>
    html`<p class="choice"><input type="checkbox" id="${name}" name="scope" value="${name}" checked><label for="${name}">${sentence} <code>${name}</code></label></p>`,
)}
</fieldset>
<p class="buttons"><button type="submit" name="action" value="allow" class="primary">Allow</button>
<button type="submit" name="action" value="refuse">Refuse</button></p>
<p class="hint">You can take this back at any time on your <a href="/account">account page</a>.</p>
<p class="hint">Not you? <button type="submit" name="action" value="other-account" class="link">Sign in with another account</button></p>
</form>`,
  });
}
