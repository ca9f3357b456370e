import { hash } from 'node:crypto';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { Context } from 'koa';
import { HttpError, InvalidRequestError } from '../../shared/http/http-error.ts';
import { IDEMPOTENCY_KEY_HOURS, MAX_IDEMPOTENCY_KEY_CHARACTERS, MAX_STORED_ANSWERS } from '../../shared/todo/limits.ts';
import { IdempotencyKeyEntity } from './idempotency-key.entity.ts';

/** A request that a client may repeat: the Idempotency-Key that the client chose, and a hash of the path and the body. */
export type IdempotentRequest = { readonly key: string; readonly fingerprint: string };

const LENGTH = `{1,${MAX_IDEMPOTENCY_KEY_CHARACTERS}}`;

/** A key with or without the quotes of a structured field (draft-ietf-httpapi-idempotency-key-header-07 §2.1). */
const KEY = new RegExp(
  `^(?:"([\\x20\\x21\\x23-\\x5b\\x5d-\\x7e]${LENGTH})"|([\\x21\\x23-\\x5b\\x5d-\\x7e]${LENGTH}))$`,
);

const LIFETIME = `interval '${IDEMPOTENCY_KEY_HOURS} hours'`;

/** Reads the Idempotency-Key header of a request with the body `body`. @throws {InvalidRequestError} */
export function parseIdempotencyKey(ctx: Context, body: unknown): IdempotentRequest | undefined {
  const header = ctx.req.headers['idempotency-key'];
  if (header === undefined) return undefined;
  const [, quoted, bare] = KEY.exec(String(header)) ?? [];
  const key = quoted ?? bare;
  if (key === undefined) {
    const expected = `1 to ${MAX_IDEMPOTENCY_KEY_CHARACTERS} visible characters without quotes`;
    throw new InvalidRequestError([{ field: 'idempotency-key', expected }]);
  }
  return { key, fingerprint: hash('sha256', JSON.stringify([ctx.path.replace(/\/$/, ''), body]), 'base64url') };
}

/**
 * Runs `work` in `transaction` and stores its result with the key of the request, or returns the result that is stored
 * from an earlier request of `owner` with the same key. The work and the stored result are committed together, so a process
 * that dies leaves both or neither.
 * @throws {HttpError} as `findAnswer` does.
 */
export async function runIdempotently<T>(
  transaction: SqlEntityManager,
  owner: string,
  request: IdempotentRequest,
  work: () => Promise<T>,
): Promise<T> {
  const stored = await findAnswer<T>(transaction, owner, request);
  if (stored !== undefined) return stored;
  const answer = await work();
  await storeAnswer(transaction, owner, request, answer);
  return answer;
}

/**
 * Locks the key of the request until `transaction` ends, and finds the answer of an earlier request of `owner` with it.
 * @throws {HttpError} `idempotency_key_in_use` while a request with this key runs, `idempotency_key_reused` when the earlier
 * request had another path or body, and `idempotency_quota_exceeded` when the owner has stored too many answers: to delete
 * one of them would let a repeated request be executed twice.
 */
export async function findAnswer<T>(
  transaction: SqlEntityManager,
  owner: string,
  { key, fingerprint }: IdempotentRequest,
): Promise<T | undefined> {
  const [lock] = await transaction.execute<{ free: boolean }[]>(
    'select pg_try_advisory_xact_lock(hashtextextended(?, 0)) as free',
    [JSON.stringify([owner, key])],
  );
  if (lock?.free !== true) throw keyInUse();
  const [stored] = await transaction.execute<(StoredAnswers & { fingerprint: string | null; answer: T })[]>(
    `select stored.*, own.fingerprint, own.answer
     from (
       select count(*)::int as keys, coalesce(sum(pg_column_size(answer)), 0)::float8 as bytes,
         ceil(extract(epoch from min(created_at) + ${LIFETIME} - now()))::int as "retryAfter"
       from api.idempotency_key where owner = ? and created_at > now() - ${LIFETIME}
     ) stored
     left join api.idempotency_key own on own.owner = ? and own.key = ? and own.created_at > now() - ${LIFETIME}`,
    [owner, owner, key],
  );
  if (stored === undefined) throw new Error('an aggregate returned no row');
  if (stored.fingerprint === null) {
    requireIdempotencyQuota(stored);
    return undefined;
  }
  if (stored.fingerprint !== fingerprint)
    throw new HttpError('idempotency_key_reused', 'This Idempotency-Key was sent with a different request', {
      fields: [{ field: 'idempotency-key', expected: 'a new key for a new request' }],
    });
  return stored.answer;
}

/** Stores the answer of a request whose key `findAnswer` has locked in the same transaction. */
export async function storeAnswer(
  transaction: SqlEntityManager,
  owner: string,
  { key, fingerprint }: IdempotentRequest,
  answer: unknown,
): Promise<void> {
  await transaction.upsert(IdempotencyKeyEntity, {
    owner,
    key,
    fingerprint,
    answer: Object(answer),
    createdAt: new Date(),
  });
}

/** What an owner has stored: the number of keys, the bytes of the compressed answers, and when the oldest one expires. */
type StoredAnswers = { readonly keys: number; readonly bytes: number; readonly retryAfter: number };

function requireIdempotencyQuota({ retryAfter, ...used }: StoredAnswers): void {
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

/**
 * Creates the lock of the keys whose requests run in this process. A second request with a locked key is rejected at once,
 * as if the first ran in another process. Without this lock it would wait in the queue of the owner's writes.
 */
export function createKeyLock() {
  const locked = new Set<string>();
  return async function withKeyLock<T>(
    owner: string,
    request: IdempotentRequest | undefined,
    work: () => Promise<T>,
  ): Promise<T> {
    if (request === undefined) return work();
    const name = JSON.stringify([owner, request.key]);
    if (locked.has(name)) throw keyInUse();
    locked.add(name);
    try {
      return await work();
    } finally {
      locked.delete(name);
    }
  };
}

function keyInUse(): HttpError {
  return new HttpError(
    'idempotency_key_in_use',
    'A request with this Idempotency-Key is still running. Retry in 1 s.',
    {
      fields: [{ field: 'idempotency-key', expected: 'a retry after the first request has ended' }],
      headers: { 'retry-after': '1' },
    },
  );
}

/** Deletes the keys that have expired. */
export async function deleteExpiredKeys(em: SqlEntityManager): Promise<void> {
  await em.fork().execute(`delete from api.idempotency_key where created_at <= now() - ${LIFETIME}`);
}
