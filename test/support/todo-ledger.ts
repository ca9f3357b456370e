import type { TodoChange } from '../../shared/todo/change-feed.ts';

/** What one owner of todos wrote, and what the change feed told of it. */
export type TodoLedger = {
  /** Notes a write that was acknowledged. */
  readonly acknowledge: (todo: { readonly id: string; readonly version: number }) => void;
  readonly acknowledgeDelete: (id: string) => void;
  /** Takes the oldest acknowledged todo that was not taken before, if there are more than `kept`. */
  readonly takeOldest: (kept: number) => string | undefined;
  /** An acknowledged todo that was not taken. */
  readonly pick: () => string | undefined;
  /** Notes the next changes of the feed. */
  readonly follow: (changes: readonly TodoChange[]) => void;
  /** Compares everything with the todos that are stored. */
  readonly check: (stored: ReadonlyMap<string, number>) => {
    /** Acknowledged writes that the feed or the stored todos lack. */
    readonly lost: readonly string[];
    /** Gaps and wrong orders of the feed, and where it differs from the stored todos. */
    readonly feedProblems: readonly string[];
    readonly acknowledged: number;
  };
};

/** Opens the ledger of an owner who has no todos yet. */
export function createTodoLedger(owner: string): TodoLedger {
  const acknowledged = new Map<string, number>();
  const deleted = new Set<string>();
  const available = new Set<string>();
  const seen = new Map<string, { version: number; isDeleted: boolean }>();
  const gaps: string[] = [];
  let writes = 0;

  return {
    acknowledge({ id, version }) {
      writes += 1;
      if (!acknowledged.has(id)) available.add(id);
      acknowledged.set(id, Math.max(version, acknowledged.get(id) ?? 0));
    },
    acknowledgeDelete(id) {
      writes += 1;
      deleted.add(id);
    },
    takeOldest(kept) {
      const [oldest] = available;
      if (oldest === undefined || available.size <= kept) return undefined;
      available.delete(oldest);
      return oldest;
    },
    pick: () => [...available][Math.floor(Math.random() * available.size)],
    follow(changes) {
      for (const { id, version, change } of changes) {
        const before = seen.get(id)?.version ?? 0;
        if (version !== before + 1) gaps.push(`${owner}: version ${version} of ${id} follows ${before} in the feed`);
        seen.set(id, { version, isDeleted: change === 'deleted' });
      }
    },
    check(stored) {
      const lost: string[] = [];
      for (const [id, version] of acknowledged) {
        const newest = seen.get(id)?.version ?? 0;
        if (newest < version) lost.push(`${owner}: version ${version} of ${id}, the feed ends at ${newest}`);
        if (!deleted.has(id) && seen.get(id)?.isDeleted === false && !stored.has(id))
          lost.push(`${owner}: ${id} is not stored`);
      }
      for (const id of deleted) if (stored.has(id)) lost.push(`${owner}: the delete of ${id}`);
      const feedProblems = [...gaps];
      for (const [id, { version, isDeleted }] of seen) {
        if (isDeleted ? stored.has(id) : stored.get(id) !== version)
          feedProblems.push(
            `${owner}: ${id} is stored as ${stored.get(id)}, the feed says ${isDeleted ? 'deleted' : version}`,
          );
      }
      for (const id of stored.keys()) if (!seen.has(id)) feedProblems.push(`${owner}: the feed lacks ${id}`);
      return { lost, feedProblems, acknowledged: writes };
    },
  };
}
