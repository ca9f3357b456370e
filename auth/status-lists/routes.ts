import Router from '@koa/router';
import type { Context, Middleware } from 'koa';
import type { CorsNames, CorsOrigins } from '../../shared/http/cors.ts';
import { answerWithEntityTag } from '../../shared/http/entity-tag.ts';
import { createAggregation } from './aggregation.ts';
import type { ReaderState } from './authenticate-reader.ts';
import { type AggregationTag, hasChangedSince, parseAggregationTag } from './entity-tags.ts';
import { parseListId, STATUS_LISTS_PATH } from './list-uri.ts';
import type { Reader, Readers } from './readers.ts';
import type { StatusLists } from './status-lists.ts';
import { createTurnstile } from './turnstile.ts';
import { ANONYMOUS_WAITS, waitsOfClient } from './wait-groups.ts';

/** Responses to requests without authentication that are sent in one turn of the event loop. */
const ANONYMOUS_RESPONSES_PER_TURN = 20;

/** The lists are public, so pages of every origin can read them, and wait for changes. */
export const STATUS_LIST_CORS = {
  origins: '*',
  methods: ['GET', 'HEAD'],
  requestHeaders: ['Authorization', 'If-None-Match', 'Prefer'],
  responseHeaders: ['ETag', 'Preference-Applied', 'Retry-After', 'X-Request-Id'],
} satisfies CorsNames & { origins: CorsOrigins };

/**
 * Serves the aggregation document and the signed lists (draft-ietf-oauth-status-list-21 §8, §9) to everyone. The entity
 * tag of the aggregation changes with every revocation and with the set of lists. A request that names the current tag in
 * If-None-Match and prefers to wait (RFC 7240 §4.3) is answered when the tag changes.
 *
 * Only authenticated readers acknowledge revocations, and they are answered first: the others get their responses in small
 * groups. A request without authentication reads nothing from the database because of its entity tag.
 */
export function statusListRoutes({
  statusLists,
  readers,
  authenticate,
  issuer,
}: {
  statusLists: StatusLists;
  readers: Pick<Readers, 'acknowledge'>;
  authenticate: Middleware<ReaderState>;
  issuer: string;
}): Router<ReaderState> {
  // strict: a list has one URI, which is the subject of its signed form
  const router = new Router<ReaderState>({ strict: true });
  const aggregation = createAggregation({ statusLists, issuer });
  const anonymousTurn = createTurnstile(ANONYMOUS_RESPONSES_PER_TURN);

  router.get(STATUS_LISTS_PATH, authenticate, async function statusListAggregation(ctx) {
    const { reader } = ctx.state;
    const known = parseAggregationTag(ctx.get('if-none-match'));
    if (known !== undefined) {
      if (reader !== undefined) await acknowledge(reader, known);
      const group = reader === undefined ? ANONYMOUS_WAITS : waitsOfClient(reader.clientId);
      await statusLists.waitUntil(() => hasChangedSince(known, statusLists.snapshot()), ctx, group);
    }
    const { entityTag, json, gzipped } = await aggregation();
    // after the document is ready: readers that waited for the same document now have their responses
    if (reader === undefined) await anonymousTurn();
    ctx.set({ 'access-control-allow-origin': '*', 'cache-control': 'no-cache' });
    ctx.vary('prefer');
    ctx.type = 'json';
    setCompressedBody(ctx, json, gzipped);
    answerWithEntityTag(ctx, entityTag);
  });

  router.get(`${STATUS_LISTS_PATH}/:id`, authenticate, async function statusList(ctx) {
    if (ctx.query.time !== undefined) {
      // yata keeps no lists of the past (§8.4 of the draft)
      ctx.status = 501;
      ctx.body = {
        error: 'not_implemented',
        error_description: 'time: this server has only the current status list. Send the request without time.',
      };
      return;
    }
    const id = parseListId(ctx.params.id ?? '');
    const signed = id === undefined ? undefined : await statusLists.sign(id);
    if (ctx.state.reader === undefined) await anonymousTurn();
    if (signed === undefined) {
      ctx.status = 404;
      ctx.body = {
        error: 'not_found',
        error_description: 'There is no status list with this id. A list is deleted a minute after it has expired.',
      };
      return;
    }
    ctx.set({ 'access-control-allow-origin': '*', 'cache-control': 'no-cache' });
    ctx.type = 'application/statuslist+jwt';
    setCompressedBody(ctx, signed.token, signed.gzipped);
    answerWithEntityTag(ctx, signed.entityTag);
  });
  return router;

  async function acknowledge(reader: Reader, known: AggregationTag): Promise<void> {
    const isAhead = known.sequence > statusLists.snapshot().sequence;
    if (!isAhead) readers.acknowledge(reader, known.sequence);
    // reads the database when the reader knows other lists or revocations than this process: the reader may come from
    // another process, which has read more
    if (isAhead || hasChangedSince(known, statusLists.snapshot()))
      // without the database, the reader gets what this process read last
      await statusLists.catchUp().catch(() => undefined);
    // a reader cannot have applied a revocation that does not exist
    if (isAhead) readers.acknowledge(reader, Math.min(known.sequence, statusLists.snapshot().sequence));
  }
}

function setCompressedBody(ctx: Context, plain: string, gzipped: Buffer): void {
  ctx.vary('accept-encoding');
  const compress = ctx.acceptsEncodings('gzip', 'identity') === 'gzip';
  if (compress) ctx.set('content-encoding', 'gzip');
  ctx.body = compress ? gzipped : plain;
}
