import type { IdempotentRequest } from '../../idempotency/idempotency.ts';
import {
  type KeptAnswer,
  requireAnswerQuota,
  requireSameRequest,
  type StoredAnswers,
} from '../../idempotency/stored-answers.ts';

/** The answers to requests with an Idempotency-Key: those that are stored, and those that a group of writes adds. */
export type GroupAnswers = ReturnType<typeof createGroupAnswers>;

/** Creates the answers of a group from those that are stored, and from how many each owner has stored. */
export function createGroupAnswers(
  stored: readonly (KeptAnswer & { owner: string })[] = [],
  counts: readonly (StoredAnswers & { owner: string })[] = [],
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
