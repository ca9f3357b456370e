import { hash } from 'node:crypto';
import type { Context, Middleware } from 'koa';

/** What `GET /` says about a service. */
export type ServiceIndex = {
  readonly name: string;
  /** Plain sentences: what the service is, and how to use it. */
  readonly description: string;
  readonly links: readonly { readonly href: string; readonly title: string }[];
};

const STYLE = 'body{max-width:40rem;margin:3rem auto;padding:0 1rem;font:1rem/1.6 system-ui}';

// the page loads nothing, and no other site may show it in a frame
const HEADERS = {
  'content-security-policy': `default-src 'none'; style-src 'sha256-${hash('sha256', STYLE, 'base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/** Answers `GET /` with the name, description and links of a service: HTML for a browser, JSON for other clients. */
export function serviceIndex(index: ServiceIndex): Middleware {
  const html = renderHtml(index);
  return function serviceIndex(ctx, next) {
    return ctx.path === '/' && (ctx.method === 'GET' || ctx.method === 'HEAD') ? answer(ctx) : next();
  };

  async function answer(ctx: Context): Promise<void> {
    ctx.set(HEADERS);
    ctx.vary('accept');
    // JSON is first, because a client that accepts any type is not a browser
    const acceptsHtml = ctx.accepts('json', 'html') === 'html';
    ctx.body = acceptsHtml ? html : index;
    ctx.type = acceptsHtml ? 'html' : 'json';
  }
}

function renderHtml({ name, description, links }: ServiceIndex): string {
  const items = links.map(({ href, title }) => `    <li><a href="${escapeHtml(href)}">${escapeHtml(title)}</a></li>`);
  return `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width">
  <meta name="color-scheme" content="light dark">
  <title>${escapeHtml(name)}</title>
  <style>${STYLE}</style>
</head>
<body>
  <h1>${escapeHtml(name)}</h1>
  <p>${escapeHtml(description)}</p>
  <ul>
${items.join('\n')}
  </ul>
</body>
</html>
`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
