import { LRUCache } from 'lru-cache';
import { searchWords } from '../../shared/todo/search-words.ts';
import type { IdempotentRequest } from '../idempotency/idempotency.ts';
import {
  type KeptAnswer,
  requireAnswerQuota,
  requireSameRequest,
  type StoredAnswers,
} from '../idempotency/stored-answers.ts';
import { STATEMENTS } from './list-statements.ts';
import { type Call, isRejectedByDatabase, type ListTransaction, type ListTransactions } from './list-transactions.ts';
import type { Quota } from './quota.ts';
import { createLockedList, type ListRow, type LockedList, type StoredTodo, type TodoList } from './todo-list.ts';
import { type TodoRow, toTodo } from './todo-row.ts';

/** A change of the todos of one owner. */
export type Write<T> = {
  /** The ids of the todos that `apply` changes. */
  readonly ids: readonly string[];
  /** Ids of which `apply` only has to know whether the owner has them. */
  readonly newIds?: readonly string[];
  /** How many todos it writes, unless it is one. */
  readonly todos?: number;
  /** Changes the list in memory. It throws an `HttpError` to reject the write, and may run more than once. */
  readonly apply: (list: TodoList) => T;
};

/** Owners of whom a process remembers that they have a list. */
const MAX_KNOWN_OWNERS = 100_000;

/** A write in a group. */
export type GroupedWrite = {
  readonly owner: string;
  readonly write: Write<unknown>;
  readonly idempotency?: { readonly request: IdempotentRequest; readonly keepAnswer: boolean } | undefined;
  readonly resolve: (outcome: Outcome<unknown>) => void;
  readonly reject: (error: unknown) => void;
};

/** The answer to a write. `isRepeated`: an earlier request with the same Idempotency-Key got it. */
export type Outcome<T> = { readonly answer: T; readonly isRepeated: boolean };

/**
 * Stores a group of writes, and settles each. It waits for no list that another process holds.
 * @returns the owners of such lists. Their writes are not settled.
 */
export type WriteGroup = (writes: readonly GroupedWrite[]) => Promise<ReadonlySet<string>>;

/**
 * Creates the storage of groups of writes. All lists of a group are locked, all writes are applied in memory, and the result
 * is written by a few statements in one transaction. A write that is rejected rejects no other. If the database rejects the
 * transaction, each half of the group is written by itself, so that in the end only the rejected write fails.
 * @param onCommit called for each list that has changed, when the transaction is committed.
 */
export function createWriteGroup({
  transactions,
  quota,
  onCommit,
}: {
  transactions: ListTransactions;
  quota: Quota;
  onCommit: (list: ListRow) => void;
}): WriteGroup {
  /** Owners whose lists exist. */
  const existing = new LRUCache<string, true>({ max: MAX_KNOWN_OWNERS });
  return writeGroup;

  async function writeGroup(writes: readonly GroupedWrite[]): Promise<ReadonlySet<string>> {
    let stored: Awaited<ReturnType<typeof store>>;
    try {
      stored = await transactions.run((transaction) => store(transaction, writes));
    } catch (error) {
      if (writes.length > 1 && isRejectedByDatabase(error)) return writeHalves(writes);
      for (const { reject } of writes) reject(error);
      return new Set();
    }
    for (const list of stored.changed) onCommit(list);
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
    return (await writeGroup(writes.slice(0, half))).union(await writeGroup(writes.slice(half)));
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
    return writeGroup(writes);
  }

  async function store(transaction: ListTransaction, writes: readonly GroupedWrite[]) {
    const { lists, answers } = await lock(transaction, writes, quota);
    // what rejects a write may be an earlier write of the group, so nothing is settled before the commit
    const outcomes = writes.flatMap((write) => {
      const list = lists.get(write.owner);
      return list === undefined ? [] : [plan(write, list, answers)];
    });
    const changed = [...lists.values()].filter((list) => list.changes().length > 0);
    const calls = callsOf(changed, answers);
    if (calls.length > 0) await transaction.commit(calls);
    const notLocked = ownersOf(writes).filter((owner) => !lists.has(owner));
    return { outcomes, changed: changed.map((list) => list.row()), notLocked };
  }
}

function ownersOf(writes: readonly GroupedWrite[]): string[] {
  return [...new Set(writes.map(({ owner }) => owner))];
}

/** Applies a write in memory. @returns what settles it. */
function plan(
  { owner, write, idempotency, resolve, reject }: GroupedWrite,
  list: LockedList,
  answers: Answers,
): () => void {
  try {
    const earlier = idempotency && answers.find(owner, idempotency.request);
    if (earlier !== undefined) return () => resolve({ answer: earlier.answer, isRepeated: true });
    const answer = list.apply(write.apply);
    if (idempotency?.keepAnswer) answers.keep(owner, { ...idempotency.request, answer });
    return () => resolve({ answer, isRepeated: false });
  } catch (error) {
    return () => reject(error);
  }
}

/** Locks the lists, and then reads what the writes are about: no other transaction changes it before this one ends. */
async function lock(
  transaction: ListTransaction,
  writes: readonly GroupedWrite[],
  quota: Quota,
): Promise<{ lists: ReadonlyMap<string, LockedList>; answers: Answers }> {
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
        createLockedList(row, {
          stored: new Map(storedBy.get(row.owner)?.map(toStoredTodo)),
          taken: new Set(takenBy.get(row.owner)?.map(({ id }) => id)),
          quota,
        }),
      ]),
    ),
    answers: createAnswers(answers, counts),
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

/** The answers to requests with an Idempotency-Key: those that are stored, and those that the group adds. */
type Answers = ReturnType<typeof createAnswers>;

function createAnswers(
  stored: readonly (KeptAnswer & { owner: string })[],
  counts: readonly (StoredAnswers & { owner: string })[],
) {
  const nameOf = (owner: string, key: string) => JSON.stringify([owner, key]);
  const byName = new Map<string, KeptAnswer>(stored.map((answer) => [nameOf(answer.owner, answer.key), answer]));
  const countByOwner = new Map(counts.map((count) => [count.owner, count]));
  const added: (KeptAnswer & { owner: string })[] = [];
  return {
    /** @throws {HttpError} when the key is that of another request, or the owner has stored too many answers. */
    find(owner: string, request: IdempotentRequest): KeptAnswer | undefined {
      const answer = byName.get(nameOf(owner, request.key));
      if (answer === undefined) requireAnswerQuota(countByOwner.get(owner));
      else requireSameRequest(answer, request);
      return answer;
    },
    keep(owner: string, answer: KeptAnswer): void {
      byName.set(nameOf(owner, answer.key), answer);
      added.push({ owner, ...answer });
    },
    added: (): readonly object[] => added,
  };
}

/** The statements that write the lists. A todo that was changed more than once is written once. */
function callsOf(changed: readonly LockedList[], answers: Answers): Call[] {
  const todosWith = (wanted: StoredTodo['change']) =>
    changed.flatMap((list) =>
      list
        .todos()
        .filter(({ change }) => change === wanted)
        .map((todo) => toTodoRow(list.owner, todo)),
    );
  const rows = [
    [STATEMENTS.updateLists, changed.map((list) => toListRow(list.row()))],
    [STATEMENTS.insertTodos, todosWith('insert')],
    [STATEMENTS.updateTodos, todosWith('update')],
    [
      STATEMENTS.insertChanges,
      changed.flatMap((list) => list.changes().map((change) => toChangeRow(list.owner, change))),
    ],
    [STATEMENTS.storeAnswers, answers.added()],
  ] as const;
  return rows.flatMap(([statement, values]): Call[] =>
    values.length === 0 ? [] : [[statement, JSON.stringify(values)]],
  );
}

function toListRow({ owner, sequence, changedAt, todos, bytes, changeBytes }: ListRow) {
  return { owner, sequence, changed_at: new Date(changedAt), todos, bytes, change_bytes: changeBytes };
}

function toTodoRow(owner: string, { todo, deletedAt }: StoredTodo) {
  return {
    ...todo,
    owner,
    words: toTsvector(searchWords(`${todo.title} ${todo.description ?? ''}`)),
    deleted_at: deletedAt,
  };
}

function toChangeRow(owner: string, { id: todo_id, ...change }: ReturnType<LockedList['changes']>[number]) {
  return { ...change, owner, todo_id };
}

/** Words as the text of a tsvector. A word has only letters and digits, so it needs no escape. */
function toTsvector(words: readonly string[]): string {
  return words.map((word) => `'${word}'`).join(' ');
}
