import type { Context } from 'koa';
import readRawBody from 'raw-body';
import { PageError } from './page-error.ts';

const MAX_FORM_BYTES = 50_000;

/**
 * Requires that a page of this server sent the request (CSRF). A browser sends `Origin` with every POST. It is `null` for a
 * page that hides where it comes from.
 */
function requireOwnOrigin(ctx: Context, issuer: string): void {
  if (ctx.get('origin') !== issuer)
    throw new PageError(403, 'This form came from another site', 'Open the page again, and send the form from there.');
}

/** Reads a form that a page of this server sent. */
export async function readForm(ctx: Context, issuer: string): Promise<URLSearchParams> {
  requireOwnOrigin(ctx, issuer);
  if (!ctx.is('application/x-www-form-urlencoded'))
    throw new PageError(415, 'This is not a form', 'Send the form from the page.');
  return new URLSearchParams(await readText(ctx));
}

/** Reads the JSON that a script of this server sent. */
export async function readScriptRequest(ctx: Context, issuer: string): Promise<Readonly<Record<string, unknown>>> {
  requireOwnOrigin(ctx, issuer);
  if (!ctx.is('application/json')) throw new PageError(415, 'This is not JSON', 'Send the form from the page.');
  const text = await readText(ctx);
  try {
    return Object(JSON.parse(text));
  } catch {
    throw new PageError(400, 'This is not JSON', 'Send the form from the page.');
  }
}

async function readText(ctx: Context): Promise<string> {
  try {
    return await readRawBody(ctx.req, {
      length: ctx.get('content-length') || null,
      limit: MAX_FORM_BYTES,
      encoding: 'utf8',
    });
  } catch {
    ctx.set('connection', 'close');
    throw new PageError(413, 'This form is too large', `Send at most ${MAX_FORM_BYTES} bytes.`);
  }
}
