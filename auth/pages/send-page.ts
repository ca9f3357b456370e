import type { Context } from 'koa';
import { ASSETS_PATH, STYLE_URL } from './assets.ts';
import { type Html, html } from './html.ts';

/** Resources of this server only, no inline script or style, and in no frame (clickjacking). */
const POLICY =
  "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'";

/** A page. */
export type Page = {
  readonly title: string;
  readonly body: Html;
  /** Scripts that the page loads, by their names in the assets. */
  readonly scripts?: readonly string[];
  /**
   * Whether a form of the page leads to a client in the end. Chromium applies `form-action` to the redirects that follow a
   * form, and would block them.
   */
  readonly leadsToClient?: boolean;
};

/** Sends a browser on with a GET, after a form or in place of a page. */
export function redirect(ctx: Context, location: string): void {
  ctx.status = 303;
  ctx.set('cache-control', 'no-store');
  ctx.redirect(location);
}

/** Sends a page with its security headers. */
export function sendPage(ctx: Context, { title, body, scripts = [], leadsToClient = false }: Page): void {
  setPageHeaders(ctx, leadsToClient);
  ctx.type = 'html';
  ctx.body = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} – yata</title>
<link rel="stylesheet" href="${STYLE_URL}">
${scripts.map((name) => html`<script type="module" src="${ASSETS_PATH}/${name}"></script>`)}
</head>
<body>
<main>
${body}
</main>
</body>
</html>
`.toString();
}

/** Sets the headers of every page. `helmet` is not used: some of its defaults break signing in (form-action, popups). */
function setPageHeaders(ctx: Context, leadsToClient: boolean): void {
  ctx.set({
    'content-security-policy': leadsToClient ? POLICY : `${POLICY}; form-action 'self'`,
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    // the origin is needed to recognize forms of other sites
    'referrer-policy': 'same-origin',
    'cache-control': 'no-store',
    ...(ctx.secure && { 'strict-transport-security': 'max-age=31536000' }),
  });
}
