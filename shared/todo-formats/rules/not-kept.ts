import type { ParsedFile } from '../parsed-file.ts';

/** A file may have a field of its own for each todo. */
const MAX_KINDS = 40;

/** Counts in how many todos something is lost. */
export function countNotKept(): {
  /** Adds what one todo loses. */
  readonly add: (lost: Iterable<string>) => void;
  readonly list: () => ParsedFile['notKept'];
} {
  const counts = new Map<string, number>();
  return {
    add(lost) {
      const counted = new Set<string>();
      for (const what of lost) {
        const kind = counts.has(what) || counts.size < MAX_KINDS ? what : 'other things';
        if (!counted.has(kind)) counts.set(kind, (counts.get(kind) ?? 0) + 1);
        counted.add(kind);
      }
    },
    list: () => [...counts].map(([what, count]) => ({ what, count })).sort((a, b) => (a.what < b.what ? -1 : 1)),
  };
}
