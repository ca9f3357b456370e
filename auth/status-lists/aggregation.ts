import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { listUri } from './list-uri.ts';
import { listEntityTag, type Snapshot, type StatusLists } from './status-lists.ts';

/** The aggregation document as it is sent. */
export type AggregationDocument = { readonly entityTag: string; readonly json: string; readonly gzipped: Buffer };

/**
 * Creates the writer of the aggregation document (draft-ietf-oauth-status-list-21 §9.2). Two members are our own: each
 * list's entity tag, by which a reader knows what changed, and the list that changed last, signed, which spares every
 * reader a second request for it. However many readers ask, it is written once for each state of the lists.
 */
export function createAggregation({
  statusLists,
  issuer,
}: {
  statusLists: Pick<StatusLists, 'snapshot' | 'sign'>;
  issuer: string;
}): () => Promise<AggregationDocument> {
  let written: { entityTag: string; document: Promise<AggregationDocument> } | undefined;

  return function aggregation() {
    const snapshot = statusLists.snapshot();
    const entityTag = formatTag(snapshot);
    if (written?.entityTag === entityTag) return written.document;
    const document = write(snapshot, entityTag);
    written = { entityTag, document };
    document.catch(() => {
      if (written?.document === document) written = undefined;
    });
    return document;
  };

  async function write({ lists }: Snapshot, entityTag: string): Promise<AggregationDocument> {
    const tags = new Map([...lists].map(([list, sequence]) => [list, listEntityTag(list, sequence)]));
    const [newest] = [...lists].toSorted(([, one], [, other]) => other - one);
    const signed = newest && newest[1] > 0 ? await statusLists.sign(newest[0]) : undefined;
    // what is signed may be newer than the snapshot by now
    if (newest && signed) tags.set(newest[0], signed.entityTag);
    const json = JSON.stringify({
      status_lists: [...lists.keys()].map((list) => listUri(issuer, list)),
      entity_tags: Object.fromEntries([...tags].map(([list, tag]) => [listUri(issuer, list), tag])),
      ...(newest && signed && { status_list_tokens: { [listUri(issuer, newest[0])]: signed.token } }),
    });
    return { entityTag, json, gzipped: await promisify(gzip)(json) };
  }
}

/** What a reader has: every revocation up to a sequence, of certain lists. */
export type AggregationTag = { readonly sequence: number; readonly lists: string };

/** Reads the entity tag of an aggregation document, or returns undefined when it is none. */
export function parseTag(text: string): AggregationTag | undefined {
  const [, sequence, lists] = /^(?:W\/)?"(\d{1,15})-(\d+\.\d+)"$/.exec(text) ?? [];
  return sequence === undefined || lists === undefined ? undefined : { sequence: Number(sequence), lists };
}

/** Another process may be ahead of this one: what a reader has from there is not news here. */
export function isNews(snapshot: Snapshot, known: AggregationTag): boolean {
  const current = tagOf(snapshot);
  return current.sequence > known.sequence || current.lists !== known.lists;
}

function formatTag(snapshot: Snapshot): string {
  const { sequence, lists } = tagOf(snapshot);
  return `"${sequence}-${lists}"`;
}

function tagOf({ sequence, lists }: Snapshot): AggregationTag {
  const ids = [...lists.keys()];
  return { sequence, lists: `${ids.length}.${Math.max(0, ...ids)}` };
}
