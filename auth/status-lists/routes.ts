import Router from '@koa/router';
import { answerWithEntityTag } from '../../shared/http/entity-tag.ts';
import { listUri, STATUS_LISTS_PATH } from './list-uri.ts';
import type { Readers } from './readers.ts';
import { listEntityTag, type Snapshot, type StatusLists } from './status-lists.ts';

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
    const snapshot = statusLists.snapshot();
    ctx.vary('prefer');
    ctx.set({ 'access-control-allow-origin': '*', 'cache-control': 'no-cache' });
    ctx.body = {
      status_lists: [...snapshot.lists.keys()].map((list) => listUri(issuer, list)),
      entity_tags: Object.fromEntries(
        [...snapshot.lists].map(([list, sequence]) => [listUri(issuer, list), listEntityTag(list, sequence)]),
      ),
    };
    answerWithEntityTag(ctx, formatTag(snapshot));
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
    ctx.vary('accept-encoding');
    ctx.type = 'application/statuslist+jwt';
    if (ctx.acceptsEncodings('gzip', 'identity') === 'gzip') {
      ctx.set('content-encoding', 'gzip');
      ctx.body = signed.gzipped;
    } else {
      ctx.body = signed.token;
    }
    answerWithEntityTag(ctx, signed.entityTag);
  });
  return router;
}

/** What a reader has: every revocation up to a sequence, of certain lists. */
type AggregationTag = { readonly sequence: number; readonly lists: string };

function tagOf({ sequence, lists }: Snapshot): AggregationTag {
  const ids = [...lists.keys()];
  return { sequence, lists: `${ids.length}.${Math.max(0, ...ids)}` };
}

function parseTag(text: string): AggregationTag | undefined {
  const [, sequence, lists] = /^(?:W\/)?"(\d{1,15})-(\d+\.\d+)"$/.exec(text) ?? [];
  return sequence === undefined || lists === undefined ? undefined : { sequence: Number(sequence), lists };
}

/** Another process may be ahead of this one: what a reader has from there is not news here. */
function isNews(snapshot: Snapshot, known: AggregationTag): boolean {
  const current = tagOf(snapshot);
  return current.sequence > known.sequence || current.lists !== known.lists;
}

function formatTag(snapshot: Snapshot): string {
  const { sequence, lists } = tagOf(snapshot);
  return `"${sequence}-${lists}"`;
}
