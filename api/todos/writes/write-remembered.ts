import type { Quota } from '../quota.ts';
import { changedRows, toListRow } from './changed-rows.ts';
import type { DatabaseClock } from './database-clock.ts';
import { createGroupAnswers } from './group-answers.ts';
import { applyWrite, type GroupedWrite } from './grouped-write.ts';
import { createListInMemory, type ListInMemory, type ListRow } from './list-in-memory.ts';
import { STATEMENTS } from './list-statements.ts';
import { isRejectedByDatabase, type ListTransactions } from './list-transactions.ts';
import type { RememberedLists } from './remembered-lists.ts';

/** Stores the writes for which a process remembers enough, and settles them. @returns the writes that are not settled. */
export type WriteRemembered = (writes: readonly GroupedWrite[]) => Promise<readonly GroupedWrite[]>;

/** A list that is remembered, after its writes, and what settles them. */
type PlannedList = { readonly list: ListInMemory; readonly outcomes: readonly (() => void)[] };

/**
 * Creates the storage of writes whose lists are remembered. They are applied to what is remembered, and one statement, which
 * is a transaction by itself, stores the lists that have not changed since. It confirms every answer, also a rejection: so a
 * list to which the writes change nothing is left to be locked and read.
 * @param onCommit called for each list that has changed, when the statement is committed.
 */
export function createWriteRemembered({
  transactions,
  remembered,
  clock,
  quota,
  onCommit,
}: {
  transactions: ListTransactions;
  remembered: RememberedLists;
  clock: DatabaseClock;
  quota: Quota;
  onCommit: (list: ListRow) => void;
}): WriteRemembered {
  return async function writeRemembered(writes) {
    const planned = [...Map.groupBy(writes, ({ owner }) => owner)].flatMap(([owner, own]) => plan(owner, own) ?? []);
    if (planned.length === 0) return writes;
    const tried = new Set(planned.map(({ list }) => list.owner));
    let stored: ReadonlySet<string>;
    try {
      stored = await store(planned.map(({ list }) => list));
    } catch (error) {
      // nothing is stored: to lock and read the lists finds out which write the database rejects
      if (isRejectedByDatabase(error)) return writes;
      remembered.clear();
      for (const { owner, reject } of writes) if (tried.has(owner)) reject(error);
      return writes.filter(({ owner }) => !tried.has(owner));
    }
    for (const { list, outcomes } of planned) {
      if (!stored.has(list.owner)) {
        remembered.doubt(list.owner);
        continue;
      }
      remembered.remember(list);
      onCommit(list.row());
      for (const settle of outcomes) settle();
    }
    return writes.filter(({ owner }) => !stored.has(owner));
  };

  /** Applies the writes of one owner to what is remembered, if that is enough to answer them. */
  function plan(owner: string, writes: readonly GroupedWrite[]): PlannedList | undefined {
    const known = remembered.find(owner);
    if (known === undefined || writes.some(needsToRead)) return undefined;
    const todos = writes.flatMap(({ write }) => write.ids).map((id) => [id, known.todos.get(id)] as const);
    const stored = new Map(todos.flatMap(([id, todo]) => (todo === undefined ? [] : [[id, todo] as const])));
    if (todos.some(([id]) => !stored.has(id))) return undefined;
    const list = createListInMemory({ ...known.row, now: clock.now() }, { stored, taken: new Set(), quota });
    const outcomes = writes.map((write) => applyWrite(write, { list, answers: createGroupAnswers() }));
    return list.changes().length === 0 ? undefined : { list, outcomes };
  }

  /** @returns the owners whose lists are stored. */
  async function store(lists: readonly ListInMemory[]): Promise<ReadonlySet<string>> {
    const { lists: changed, inserted, updated, changes } = changedRows(lists);
    const unchanged = lists.map(({ before }) => toListRow(before));
    const rows = [unchanged, changed, inserted, updated, changes].map((row) => JSON.stringify(row));
    const stored = await transactions.execute([STATEMENTS.writeUnchanged, clock.now(), ...rows]);
    const [first] = stored;
    if (first !== undefined) clock.set(Number(first.now));
    return new Set(stored.map(({ owner }) => String(owner)));
  }
}

/** Whether a write needs more than the list and the todos that it changes. */
function needsToRead({ write, idempotency }: GroupedWrite): boolean {
  return idempotency !== undefined || (write.newIds?.length ?? 0) > 0;
}
