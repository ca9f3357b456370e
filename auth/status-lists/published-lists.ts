import { StatusList } from '../../shared/resource-server/status-list.ts';
import type { KeyIds } from '../signing-keys/signing-keys.ts';
import type { CommittedStatus } from './committed-status.ts';
import { TOKENS_PER_LIST } from './list-indexes.ts';

/** Revocations whose commit time is kept, to measure how long they take to reach the readers. */
const MAX_COMMIT_TIMES = 1_000;

/**
 * The newest revocation, for each list the newest revocation on it, and the ids of the signing keys. The sequence is 0 when
 * there is none.
 */
export type Snapshot = {
  readonly sequence: number;
  readonly lists: ReadonlyMap<number, number>;
  readonly keys: KeyIds;
};

/** A status list as this process publishes it. */
export type PublishedList = {
  readonly bits: StatusList;
  /** In seconds since the epoch. */
  readonly expiresAt: number;
  /** Indexes of the list that are leased, by all processes. */
  readonly leased: number;
  /** The number of revocations on the list. */
  readonly revocations: number;
  /** The sequence of the newest revocation on the list. */
  readonly sequence: number;
};

type MutableList = { -readonly [Key in keyof PublishedList]: PublishedList[Key] };

/** The status lists in the memory of this process, as bits. */
export type PublishedLists = {
  readonly snapshot: () => Snapshot;
  readonly byId: ReadonlyMap<number, PublishedList>;
  /** Applies what was read from the database. @returns whether that changed what is published. */
  readonly apply: (committed: CommittedStatus, keyIds: KeyIds) => boolean;
  /** Returns when each revocation with a sequence in (after, upTo] was committed, in milliseconds since the epoch. */
  readonly commitTimes: (after: number, upTo: number) => readonly number[];
};

/** Creates the table of published lists, empty. */
export function createPublishedLists(): PublishedLists {
  const lists = new Map<number, MutableList>();
  const commits: { readonly sequence: number; readonly at: number }[] = [];
  let sequence = 0;
  let keys: KeyIds = { published: [], revoked: [] };

  return {
    snapshot: () => ({ sequence, lists: new Map([...lists].map(([id, list]) => [id, list.sequence])), keys }),
    byId: lists,
    apply(committed, keyIds) {
      const listsChanged = applyLists(committed.lists);
      const keysChanged = JSON.stringify(keyIds) !== JSON.stringify(keys);
      keys = keyIds;
      for (const revocation of committed.revocations) {
        const list = lists.get(revocation.list);
        if (list !== undefined) {
          list.bits.invalidate(revocation.start, revocation.length);
          list.sequence = revocation.sequence;
          list.revocations += 1;
        }
        sequence = revocation.sequence;
        commits.push(revocation);
      }
      commits.splice(0, commits.length - MAX_COMMIT_TIMES);
      return listsChanged || keysChanged || committed.revocations.length > 0;
    },
    commitTimes: (after, upTo) =>
      commits.filter((commit) => commit.sequence > after && commit.sequence <= upTo).map(({ at }) => at),
  };

  /** Returns true when the set of lists changed. */
  function applyLists(rows: CommittedStatus['lists']): boolean {
    const retained = new Set(rows.map(({ id }) => id));
    const removed = [...lists.keys()].filter((id) => !retained.has(id));
    const added = rows.filter(({ id }) => !lists.has(id));
    for (const id of removed) lists.delete(id);
    for (const { id, expiresAt } of added) {
      const bits = new StatusList(new Uint8Array(TOKENS_PER_LIST / 8));
      lists.set(id, { bits, expiresAt, leased: 0, revocations: 0, sequence: 0 });
    }
    for (const { id, leased } of rows) {
      const list = lists.get(id);
      if (list !== undefined) list.leased = leased;
    }
    return removed.length > 0 || added.length > 0;
  }
}
