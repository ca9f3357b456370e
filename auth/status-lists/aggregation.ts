import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { formatAggregationTag, formatListTag } from './entity-tags.ts';
import { listUri } from './list-uri.ts';
import type { Snapshot } from './published-lists.ts';
import type { StatusLists } from './status-lists.ts';

/**
 * The aggregation document, ready to be sent. `staleAt` is when the signature in it becomes too old, in milliseconds since the
 * epoch.
 */
export type AggregationDocument = {
  readonly entityTag: string;
  readonly json: string;
  readonly gzipped: Buffer;
  readonly staleAt: number;
};

/**
 * Creates the writer of the aggregation document (draft-ietf-oauth-status-list-21 §9.2). It has four members of yata's
 * own: `entity_tags` has the entity tag of each list, by which a reader knows which lists have changed; `status_list_tokens`
 * has the list that changed last, signed, which saves every reader a second request; `key_ids` has the ids of the keys in
 * the JWKS, by which a reader knows that it has to fetch them; `revoked_key_ids` has those that an administrator revoked. The
 * document is written once for each state of the lists and each signature, however many readers fetch it.
 */
export function createAggregation({
  statusLists,
  issuer,
}: {
  statusLists: Pick<StatusLists, 'snapshot' | 'sign'>;
  issuer: string;
}): () => Promise<AggregationDocument> {
  let newest: { entityTag: string; document: Promise<AggregationDocument> } | undefined;

  return async function aggregation() {
    const snapshot = statusLists.snapshot();
    const entityTag = formatAggregationTag(snapshot);
    if (newest?.entityTag === entityTag) {
      const { document } = newest;
      const known = await document;
      if (Date.now() < known.staleAt) return known;
      // the first of those that waited writes it again
      if (newest?.document !== document) return aggregation();
    }
    const document = write(snapshot, entityTag);
    newest = { entityTag, document };
    document.catch(() => {
      if (newest?.document === document) newest = undefined;
    });
    return document;
  };

  async function write({ lists, keys }: Snapshot, entityTag: string): Promise<AggregationDocument> {
    const tags = new Map([...lists].map(([list, sequence]) => [list, formatListTag(list, sequence)]));
    const [changedLast] = [...lists].toSorted(([, one], [, other]) => other - one);
    const signed = changedLast && changedLast[1] > 0 ? await statusLists.sign(changedLast[0]) : undefined;
    // another revocation may have been published after the snapshot: the tag must be that of the signed list
    if (changedLast && signed) tags.set(changedLast[0], signed.entityTag);
    const json = JSON.stringify({
      status_lists: [...lists.keys()].map((list) => listUri(issuer, list)),
      entity_tags: Object.fromEntries([...tags].map(([list, tag]) => [listUri(issuer, list), tag])),
      key_ids: keys.published,
      revoked_key_ids: keys.revoked,
      ...(changedLast && signed && { status_list_tokens: { [listUri(issuer, changedLast[0])]: signed.token } }),
    });
    const staleAt = signed?.staleAt ?? Number.POSITIVE_INFINITY;
    return { entityTag, json, gzipped: await promisify(gzip)(json), staleAt };
  }
}
