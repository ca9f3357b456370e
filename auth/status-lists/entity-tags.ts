import type { Snapshot } from './published-lists.ts';

/** What a reader has applied: every revocation up to a sequence, on a certain set of lists. */
export type AggregationTag = { readonly sequence: number; readonly lists: string };

/** Formats the entity tag of a list whose newest revocation is `sequence`. It is the same in every auth process. */
export function formatListTag(list: number, sequence: number): string {
  return `"${list}-${sequence}"`;
}

/** Formats the entity tag of the aggregation document. It changes with every revocation and with the set of lists. */
export function formatAggregationTag(snapshot: Snapshot): string {
  const { sequence, lists } = createAggregationTag(snapshot);
  return `"${sequence}-${lists}"`;
}

/** Parses the entity tag of an aggregation document. Returns undefined when `text` is another header value. */
export function parseAggregationTag(text: string): AggregationTag | undefined {
  const [, sequence, lists] = /^(?:W\/)?"(\d{1,15})-(\d+\.\d+)"$/.exec(text) ?? [];
  return sequence === undefined || lists === undefined ? undefined : { sequence: Number(sequence), lists };
}

/**
 * Whether this process publishes something that a reader with the tag `known` does not have. A reader that was at
 * another process may have a newer revocation than this process, which is then not a change.
 */
export function hasChangedSince(known: AggregationTag, snapshot: Snapshot): boolean {
  const current = createAggregationTag(snapshot);
  return current.sequence > known.sequence || current.lists !== known.lists;
}

/** The number of lists and the highest id identify the set, because ids increase and lists are deleted for good. */
function createAggregationTag({ sequence, lists }: Snapshot): AggregationTag {
  const ids = [...lists.keys()];
  return { sequence, lists: `${ids.length}.${Math.max(0, ...ids)}` };
}
