import type { Context } from 'koa';

/**
 * Sets the entity tag of a response and turns it into a 304 when the caller has it already (RFC 9110 §13.1.2).
 * Koa's `ctx.fresh` would not, for every `fetch` with If-None-Match also sends `Cache-Control: no-cache`, which is meant
 * for caches on the way and not for the origin.
 */
export function answerWithEntityTag(ctx: Context, tag: string): void {
  ctx.etag = tag;
  const known = ctx
    .get('if-none-match')
    .split(',')
    .map((entityTag) => entityTag.trim().replace(/^W\//, ''));
  if (known.includes(ctx.response.get('etag')) || known.includes('*')) ctx.status = 304;
}

/**
 * Whether a request may change what has the entity tag `tag` now (RFC 9110 §13.1.1): it names no condition, any
 * representation, or this one. A weak tag names none.
 */
export function matchesIfMatch(ctx: Context, tag: string): boolean {
  const header = ctx.req.headers['if-match'];
  return header === undefined || header.split(',').some((known) => known.trim() === '*' || known.trim() === tag);
}
