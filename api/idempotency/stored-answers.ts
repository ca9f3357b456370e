import { HttpError } from '../../shared/http/http-error.ts';
import { IDEMPOTENCY_KEY_HOURS, MAX_STORED_ANSWERS } from '../../shared/todo/limits.ts';
import type { IdempotentRequest } from './idempotency.ts';

/** The answer to a request with an Idempotency-Key. A repeated request gets the same. */
export type KeptAnswer = IdempotentRequest & { readonly answer: unknown };

/** @throws {HttpError} `idempotency_key_reused` when the key is that of a request with another path or body. */
export function requireSameRequest({ fingerprint }: KeptAnswer, request: IdempotentRequest): void {
  if (fingerprint === request.fingerprint) return;
  throw new HttpError('idempotency_key_reused', 'This Idempotency-Key was sent with a different request', {
    fields: [{ field: 'idempotency-key', expected: 'a new key for a new request' }],
  });
}

/** What an owner has stored: the number of keys, the bytes of the compressed answers, and when the oldest one expires. */
export type StoredAnswers = { readonly keys: number; readonly bytes: number; readonly retryAfter: number };

/** @throws {HttpError} `idempotency_quota_exceeded`: to delete an answer would let a repeated request be executed twice. */
export function requireAnswerQuota(stored: StoredAnswers | undefined): void {
  if (stored === undefined) return;
  const { retryAfter, ...used } = stored;
  for (const unit of ['keys', 'bytes'] as const) {
    const limit = MAX_STORED_ANSWERS[unit];
    if (used[unit] >= limit)
      throw new HttpError(
        'idempotency_quota_exceeded',
        `The answers to your requests with an Idempotency-Key are kept for ${IDEMPOTENCY_KEY_HOURS} hours, at most ${limit} ${unit}. Send the request without a key, or retry in ${retryAfter} s.`,
        { members: { limit, used: used[unit], unit }, headers: { 'retry-after': String(retryAfter) } },
      );
  }
}
