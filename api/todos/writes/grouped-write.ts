import type { IdempotentRequest } from '../../idempotency/idempotency.ts';
import type { GroupAnswers } from './group-answers.ts';
import type { ListInMemory, TodoList } from './list-in-memory.ts';

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

/** Applies a write in memory. @returns what settles it. */
export function applyWrite(
  { owner, write, idempotency, resolve, reject }: GroupedWrite,
  { list, answers }: { list: ListInMemory; answers: GroupAnswers },
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
