import type { Context } from 'koa';
import { html } from './html.ts';
import { sendPage } from './send-page.ts';

/** Sends a page with one message and, where there is a next step, a link to it. */
export function sendMessagePage(
  ctx: Context,
  { title, text, link }: { title: string; text: string; link?: { readonly href: string; readonly text: string } },
): void {
  sendPage(ctx, {
    title,
    body: html`<h1>${title}</h1>
<p>${text}</p>
${link && html`<p><a href="${link.href}" rel="noreferrer">${link.text}</a></p>`}`,
  });
}
