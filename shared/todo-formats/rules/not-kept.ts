import type { ParsedFile } from '../foreign-todo.ts';

/** Counts in how many todos something is lost. */
export function countNotKept(): {
  /** Adds what one todo loses. */
  readonly add: (lost: Iterable<string>) => void;
  readonly list: () => ParsedFile['notKept'];
} {
  const counts = new Map<string, number>();
  return {
    add(lost) {
      for (const what of new Set(lost)) counts.set(what, (counts.get(what) ?? 0) + 1);
    },
    list: () => [...counts].map(([what, count]) => ({ what, count })).sort((a, b) => (a.what < b.what ? -1 : 1)),
  };
}
