import { LRUCache } from 'lru-cache';
import type { KeptAnswer, StoredAnswers } from '../../idempotency/stored-answers.ts';
import type { Quota } from '../quota.ts';
import { type TodoRow, toTodo } from '../todo-row.ts';
import { changedRows } from './changed-rows.ts';
import type { DatabaseClock } from './database-clock.ts';
import { createGroupAnswers, type GroupAnswers } from './group-answers.ts';
import { applyWrite, type GroupedWrite, type WriteGroup } from './grouped-write.ts';
import { createListInMemory, type ListInMemory, type ListRow, type StoredTodo } from './list-in-memory.ts';
import { STATEMENTS } from './list-statements.ts';
import { type Call, isRejectedByDatabase, type ListTransaction, type ListTransactions } from './list-transactions.ts';
import type { RememberedLists } from './remembered-lists.ts';

/** Owners of whom a process remembers that they have a list. */
const MAX_KNOWN_OWNERS = 100_000;

/**
 * Creates the storage of groups of writes. All lists of a group are locked, all writes are applied in memory, and the result
 * is written by a few statements in one transaction. A write that is rejected rejects no other. If the database rejects the
 * transaction, each half of the group is written by itself, so that in the end only the rejected write fails.
 * @param onCommit called for each list that has changed, when the transaction is committed.
 */
export function createWriteLocked({
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
}): WriteGroup {
  /** Owners whose lists exist. */
  const existing = new LRUCache<string, true>({ max: MAX_KNOWN_OWNERS });
  return writeLocked;

  async function writeLocked(writes: readonly GroupedWrite[]): Promise<ReadonlySet<string>> {
    let stored: Awaited<ReturnType<typeof store>>;
    try {
      stored = await transactions.run((transaction) => store(transaction, writes));
    } catch (error) {
      if (writes.length > 1 && isRejectedByDatabase(error)) return writeHalves(writes);
      if (!isRejectedByDatabase(error)) remembered.clear();
      for (const { reject } of writes) reject(error);
      return new Set();
    }
    for (const list of stored.lists) remembered.remember(list);
    for (const list of stored.changed) onCommit(list.row());
    for (const settle of stored.outcomes) settle();
    const missing = stored.notLocked.filter((owner) => !existing.has(owner));
    if (missing.length === 0) return new Set(stored.notLocked);
    const again = await writeFirst(
      missing,
      writes.filter(({ owner }) => missing.includes(owner)),
    );
    return new Set(stored.notLocked.filter((owner) => !missing.includes(owner))).union(again);
  }

  async function writeHalves(writes: readonly GroupedWrite[]): Promise<ReadonlySet<string>> {
    const half = Math.ceil(writes.length / 2);
    return (await writeLocked(writes.slice(0, half))).union(await writeLocked(writes.slice(half)));
  }

  /** Stores the first writes of owners, as far as this process knows: their lists may exist, and be locked. */
  async function writeFirst(owners: readonly string[], writes: readonly GroupedWrite[]): Promise<ReadonlySet<string>> {
    try {
      await transactions.execute([STATEMENTS.createLists, owners]);
    } catch (error) {
      for (const { reject } of writes) reject(error);
      return new Set();
    }
    for (const owner of owners) existing.set(owner, true);
    return writeLocked(writes);
  }

  async function store(transaction: ListTransaction, writes: readonly GroupedWrite[]) {
    const { lists, answers } = await lock(transaction, writes, quota);
    const [first] = lists.values();
    if (first !== undefined) clock.set(first.before.now);
    // what rejects a write may be an earlier write of the group, so nothing is settled before the commit
    const outcomes = writes.flatMap((write) => {
      const list = lists.get(write.owner);
      return list === undefined ? [] : [applyWrite(write, { list, answers })];
    });
    const changed = [...lists.values()].filter((list) => list.changes().length > 0);
    const calls = callsOf(changed, answers);
    if (calls.length > 0) await transaction.commit(calls);
    const notLocked = ownersOf(writes).filter((owner) => !lists.has(owner));
    return { outcomes, lists: [...lists.values()], changed, notLocked };
  }
}

function ownersOf(writes: readonly GroupedWrite[]): string[] {
  return [...new Set(writes.map(({ owner }) => owner))];
}

/** Locks the lists, and then reads what the writes are about: no other transaction changes it before this one ends. */
async function lock(
  transaction: ListTransaction,
  writes: readonly GroupedWrite[],
  quota: Quota,
): Promise<{ lists: ReadonlyMap<string, ListInMemory>; answers: GroupAnswers }> {
  const owners = ownersOf(writes);
  const named = pairs(writes, ({ write }) => write.ids);
  const new_ = pairs(writes, ({ write }) => write.newIds ?? []);
  const keys = pairs(writes, ({ idempotency }) => (idempotency === undefined ? [] : [idempotency.request.key]));
  const reads = [
    { call: [STATEMENTS.lockLists, owners], isNeeded: true },
    { call: [STATEMENTS.findTodos, ...named], isNeeded: named[0].length > 0 },
    { call: [STATEMENTS.findTakenIds, ...new_], isNeeded: new_[0].length > 0 },
    { call: [STATEMENTS.findAnswers, ...keys], isNeeded: keys[0].length > 0 },
    { call: [STATEMENTS.countAnswers, [...new Set(keys[0])]], isNeeded: keys[0].length > 0 },
  ] as const;
  const found = (await transaction.execute(reads.filter(({ isNeeded }) => isNeeded).map(({ call }) => call))).values();
  const [rows, todos, taken, answers, counts] = reads.map(({ isNeeded }) => (isNeeded ? found.next().value : [])) as [
    ListRow[],
    (TodoRow & { owner: string; deleted_at: string | null })[],
    { owner: string; id: string }[],
    (KeptAnswer & { owner: string })[],
    (StoredAnswers & { owner: string })[],
  ];
  const storedBy = Map.groupBy(todos, ({ owner }) => owner);
  const takenBy = Map.groupBy(taken, ({ owner }) => owner);
  return {
    lists: new Map(
      rows.map((row) => [
        row.owner,
        createListInMemory(row, {
          stored: new Map(storedBy.get(row.owner)?.map(toStoredTodo)),
          taken: new Set(takenBy.get(row.owner)?.map(({ id }) => id)),
          quota,
        }),
      ]),
    ),
    answers: createGroupAnswers(answers, counts),
  };
}

function toStoredTodo({
  owner,
  deleted_at: deletedAt,
  ...row
}: TodoRow & { owner: string; deleted_at: string | null }): [string, StoredTodo] {
  return [row.id, { todo: toTodo(row), deletedAt, change: undefined }];
}

/** The values that each write names, beside the owner of the write. */
function pairs(
  writes: readonly GroupedWrite[],
  valuesOf: (write: GroupedWrite) => readonly string[],
): [owners: string[], values: string[]] {
  const owners: string[] = [];
  const values: string[] = [];
  for (const write of writes)
    for (const value of valuesOf(write)) {
      owners.push(write.owner);
      values.push(value);
    }
  return [owners, values];
}

/** The statements that write the lists and the answers. */
function callsOf(changed: readonly ListInMemory[], answers: GroupAnswers): Call[] {
  const { lists, inserted, updated, changes } = changedRows(changed);
  const rows = [
    [STATEMENTS.updateLists, lists],
    [STATEMENTS.insertTodos, inserted],
    [STATEMENTS.updateTodos, updated],
    [STATEMENTS.insertChanges, changes],
    [STATEMENTS.storeAnswers, answers.added()],
  ] as const;
  return rows.flatMap(([statement, values]): Call[] =>
    values.length === 0 ? [] : [[statement, JSON.stringify(values)]],
  );
}
