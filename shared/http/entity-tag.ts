import type { Context } from 'koa';

/**
 * Sets the entity tag of a response and answers 304 when the client already has it; the comparison is weak (RFC 9110
 * §13.1.2). Koa's `ctx.fresh`
 * is not used: every `fetch` with If-None-Match also sends `Cache-Control: no-cache`, which Koa takes as a reason to send
 * the response again, although it is meant for caches on the way.
 */
export function answerWithEntityTag(ctx: Context, tag: string): void {
  ctx.etag = tag;
  const known = ctx
    .get('if-none-match')
    .split(',')
    .map((entityTag) => opaqueTag(entityTag.trim()));
  if (known.includes(opaqueTag(ctx.response.get('etag'))) || known.includes('*')) ctx.status = 304;
}

/** Returns an entity tag without the mark of a weak one. */
function opaqueTag(entityTag: string): string {
  return entityTag.replace(/^W\//, '');
}

/**
 * Whether If-Match allows a change of the resource whose entity tag is `tag` (RFC 9110 §13.1.1): the header is absent, is
 * `*`, or contains this tag. A weak tag never matches.
 */
export function matchesIfMatch(ctx: Context, tag: string): boolean {
  const header = ctx.req.headers['if-match'];
  return header === undefined || header.split(',').some((known) => known.trim() === '*' || known.trim() === tag);
}

/** Whether If-None-Match allows a change of the resource whose entity tag is `tag`; the comparison is weak (RFC 9110 §13.1.2). */
export function matchesIfNoneMatch(ctx: Context, tag: string): boolean {
  const header = ctx.req.headers['if-none-match'];
  if (header === undefined) return true;
  return !header.split(',').some((known) => known.trim() === '*' || opaqueTag(known.trim()) === tag);
}

/**
 * Returns what is wrong with If-Match when it can match no entity tag at all: no tag in it has the form of RFC 9110 §8.8.3, or
 * every one is weak. Undefined for a header that can match.
 */
export function findIfMatchProblem(ctx: Context): 'malformed' | 'weak' | undefined {
  const tags = (ctx.req.headers['if-match'] ?? '*').split(',').map((tag) => tag.trim());
  if (tags.some((tag) => tag === '*' || /^"[\x21\x23-\x7e\x80-\xff]*"$/.test(tag))) return undefined;
  return tags.some((tag) => /^W\/"[\x21\x23-\x7e\x80-\xff]*"$/.test(tag)) ? 'weak' : 'malformed';
}
