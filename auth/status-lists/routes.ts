import Router from '@koa/router';
import type { Context } from 'koa';
import { answerWithEntityTag } from '../../shared/http/entity-tag.ts';
import { createAggregation, isNews, parseTag } from './aggregation.ts';
import { STATUS_LISTS_PATH } from './list-uri.ts';
import type { Readers } from './readers.ts';
import type { StatusLists } from './status-lists.ts';

/** The header in which a reader may say who it is, so that it is counted as one however often it asks. */
const READER = 'status-list-reader';

/**
 * Serves the aggregation document and the signed lists (draft-ietf-oauth-status-list-21 §8, §9) to everybody. The
 * aggregation's entity tag moves with every revocation and every list; a request that knows it and prefers to wait
 * (RFC 7240 §4.3) is answered when it moves.
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
    const known = parseTag(ctx.get('if-none-match'));
    if (known !== undefined) {
      readers.acknowledge(ctx.get(READER).slice(0, 200) || ctx.ip, known.sequence);
      // the reader was at another process, which is ahead of this one
      if (isNews(statusLists.snapshot(), known) || known.sequence > statusLists.snapshot().sequence)
        // without the database, what was read before is told all the same
        await statusLists.catchUp().catch(() => undefined);
      await statusLists.waitUntil(() => isNews(statusLists.snapshot(), known), ctx);
    }
    const { entityTag, json, gzipped } = await aggregation();
    ctx.set({ 'access-control-allow-origin': '*', 'cache-control': 'no-cache' });
    ctx.vary('prefer');
    ctx.type = 'json';
    answerCompressed(ctx, json, gzipped);
    answerWithEntityTag(ctx, entityTag);
  });

  router.get(`${STATUS_LISTS_PATH}/:id`, async function statusList(ctx) {
    const signed = await statusLists.sign(Number(ctx.params.id));
    if (signed === undefined) {
      ctx.status = 404;
      ctx.body = {
        error: 'not_found',
        error_description: 'there is no status list here, or its tokens have all expired',
      };
      return;
    }
    ctx.set({ 'access-control-allow-origin': '*', 'cache-control': 'no-cache' });
    ctx.type = 'application/statuslist+jwt';
    answerCompressed(ctx, signed.token, signed.gzipped);
    answerWithEntityTag(ctx, signed.entityTag);
  });
  return router;
}

function answerCompressed(ctx: Context, plain: string, gzipped: Buffer): void {
  ctx.vary('accept-encoding');
  const compress = ctx.acceptsEncodings('gzip', 'identity') === 'gzip';
  if (compress) ctx.set('content-encoding', 'gzip');
  ctx.body = compress ? gzipped : plain;
}
