import { hash } from 'node:crypto';
import type { Snapshot } from './published-lists.ts';

/** What a reader has applied: every revocation up to a sequence, on a certain set of lists, with certain signing keys. */
export type AggregationTag = { readonly sequence: number; readonly lists: string; readonly keys: string };

/**
 * Formats the entity tag of a list whose newest revocation is `sequence`. It is the same in every auth process, for each
 * signature of the list and with and without compression, so it is weak (RFC 9110 §8.8.1).
 */
export function formatListTag(list: number, sequence: number): string {
  return `W/"${list}-${sequence}"`;
}

/**
 * Formats the entity tag of the aggregation document. It changes with every revocation, the set of lists, and the signing
 * keys. It is weak.
 */
export function formatAggregationTag(snapshot: Snapshot): string {
  const { sequence, lists, keys } = createAggregationTag(snapshot);
  return `W/"${sequence}-${lists}-${keys}"`;
}

/** Parses the entity tag of an aggregation document. Returns undefined when `text` is another header value. */
export function parseAggregationTag(text: string): AggregationTag | undefined {
  // a process of the version before sends a tag without keys
  const [, sequence, lists, keys = ''] = /^(?:W\/)?"(\d{1,15})-(\d+\.\d+)(?:-([\w-]{8}))?"$/.exec(text) ?? [];
  return sequence === undefined || lists === undefined ? undefined : { sequence: Number(sequence), lists, keys };
}

/**
 * Whether this process publishes something that a reader with the tag `known` does not have. A reader that was at
 * another process may have a newer revocation than this process, which is then not a change.
 */
export function hasChangedSince(known: AggregationTag, snapshot: Snapshot): boolean {
  const current = createAggregationTag(snapshot);
  return current.sequence > known.sequence || current.lists !== known.lists || current.keys !== known.keys;
}

/**
 * The number of lists and the highest id identify the set, because ids increase and lists are deleted for good. 48 bits of
 * a hash distinguish the few sets of keys.
 */
function createAggregationTag({ sequence, lists, keys }: Snapshot): AggregationTag {
  const ids = [...lists.keys()];
  return {
    sequence,
    lists: `${ids.length}.${Math.max(0, ...ids)}`,
    keys: hash('sha256', JSON.stringify(keys), 'base64url').slice(0, 8),
  };
}
