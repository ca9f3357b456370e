import type { Context, Middleware } from 'koa';
import readRawBody from 'raw-body';
import type * as z from 'zod';
import { HttpError, InvalidRequestError } from './http-error.ts';
import { requireSimpleJson } from './json-complexity.ts';
import { parseRequest } from './parse-request.ts';

/**
 * Reads a JSON body of at most `limit` bytes and parses it with `schema` into `ctx.state.body`. Rejects with 415 (another
 * media type, or a content encoding), 413 (too large) or 400 (not JSON, or an entry for each invalid or unknown field).
 * `ctx.state.bodyBytes` is the number of bytes that were read, and `ctx.state.json` the parsed JSON, also for a rejected body.
 */
export function parseBody<Body>(
  schema: z.ZodType<Body>,
  { limit = 100_000 }: { limit?: number } = {},
): Middleware<{ body: Body; json?: unknown }> {
  return async function parseBody(ctx, next) {
    const text = await readText(ctx, limit);
    requireSimpleJson(text);
    ctx.state.json = parseJson(text);
    ctx.state.body = parseRequest(schema, ctx.state.json, 'body');
    await next();
  };
}

/** The media type of a merge patch (RFC 7396). */
const MERGE_PATCH = 'application/merge-patch+json';

async function readText(ctx: Context, limit: number): Promise<string> {
  // a JSON Patch (RFC 6902) is JSON too, but would be read as something else
  if (!ctx.is('application/json', 'application/*+json') || ctx.is('application/json-patch+json')) {
    const isPatch = ctx.method === 'PATCH';
    const expected = isPatch ? MERGE_PATCH : 'application/json';
    throw new HttpError('unsupported_media_type', `content-type: expected ${expected}`, {
      // RFC 5789 §2.2
      headers: isPatch ? { 'accept-patch': `${MERGE_PATCH}, application/json` } : { accept: 'application/json' },
    });
  }
  if ((ctx.get('content-encoding') || 'identity').toLowerCase() !== 'identity') {
    throw new HttpError('unsupported_content_encoding', 'content-encoding: expected none', {
      headers: { 'accept-encoding': 'identity' },
    });
  }
  const bytes = await readBytes(ctx, limit);
  ctx.state.bodyBytes = bytes.length;
  try {
    // fatal: without it, a byte that is not UTF-8 would be stored as another character
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw malformedJson(cause);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw malformedJson(cause);
  }
}

function malformedJson(cause: unknown): HttpError {
  return new HttpError('malformed_json', 'body: expected JSON in UTF-8', {
    fields: [{ field: 'body', expected: 'JSON in UTF-8' }],
    cause,
  });
}

async function readBytes(ctx: Context, limit: number): Promise<Buffer> {
  try {
    return await readRawBody(ctx.req, { length: ctx.get('content-length') || null, limit });
  } catch (cause) {
    const { type, received } = Object(cause);
    ctx.state.bodyBytes = received ?? 0;
    if (type === 'entity.too.large') {
      // the rest of the body is not read, so the connection cannot be reused
      throw new HttpError('content_too_large', `body: expected at most ${limit} bytes`, {
        members: { limit, unit: 'bytes' },
        headers: { connection: 'close' },
        cause,
      });
    }
    throw new InvalidRequestError([{ field: 'body', expected: 'as many bytes as content-length says' }], cause);
  }
}
