import Router from '@koa/router';
import type { Context } from 'koa';
import { answerWithEntityTag } from '../../shared/http/entity-tag.ts';
import { createAggregation } from './aggregation.ts';
import { hasChangedSince, parseAggregationTag } from './entity-tags.ts';
import { STATUS_LISTS_PATH } from './list-uri.ts';
import type { Readers } from './readers.ts';
import type { StatusLists } from './status-lists.ts';

/** The header in which a reader names itself, so that it counts as one reader however many requests it makes. */
const READER_HEADER = 'status-list-reader';

const MAX_READER_NAME_LENGTH = 200;

/**
 * Serves the aggregation document and the signed lists (draft-ietf-oauth-status-list-21 §8, §9) without authentication.
 * The entity tag of the aggregation changes with every revocation and with the set of lists. A request that names the
 * current tag in If-None-Match and prefers to wait (RFC 7240 §4.3) is answered when the tag changes.
 */
export function statusListRoutes({
  statusLists,
  readers,
  issuer,
}: {
  statusLists: StatusLists;
  readers: Readers;
  issuer: string;
}): Router {
  const router = new Router();
  const aggregation = createAggregation({ statusLists, issuer });

  router.get(STATUS_LISTS_PATH, async function statusListAggregation(ctx) {
    const known = parseAggregationTag(ctx.get('if-none-match'));
    if (known !== undefined) {
      readers.acknowledge(ctx.get(READER_HEADER).slice(0, MAX_READER_NAME_LENGTH) || ctx.ip, known.sequence);
      // reads the database when the reader knows other lists or revocations than this process: the reader may come from
      // another process, which has read more
      if (hasChangedSince(known, statusLists.snapshot()) || known.sequence > statusLists.snapshot().sequence)
        // without the database, the reader gets what this process read last
        await statusLists.catchUp().catch(() => undefined);
      await statusLists.waitUntil(() => hasChangedSince(known, statusLists.snapshot()), ctx);
    }
    const { entityTag, json, gzipped } = await aggregation();
    ctx.set({ 'access-control-allow-origin': '*', 'cache-control': 'no-cache' });
    ctx.vary('prefer');
    ctx.type = 'json';
    setCompressedBody(ctx, json, gzipped);
    answerWithEntityTag(ctx, entityTag);
  });

  router.get(`${STATUS_LISTS_PATH}/:id`, async function statusList(ctx) {
    const signed = await statusLists.sign(Number(ctx.params.id));
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
}

function setCompressedBody(ctx: Context, plain: string, gzipped: Buffer): void {
  ctx.vary('accept-encoding');
  const compress = ctx.acceptsEncodings('gzip', 'identity') === 'gzip';
  if (compress) ctx.set('content-encoding', 'gzip');
  ctx.body = compress ? gzipped : plain;
}
