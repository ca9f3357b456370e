import { hash } from 'node:crypto';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { Context } from 'koa';
import { HttpError, InvalidRequestError } from '../../shared/http/http-error.ts';
import { IDEMPOTENCY_KEY_HOURS, MAX_IDEMPOTENCY_KEY_CHARACTERS } from '../../shared/todo/limits.ts';
import { IdempotencyKeyEntity } from './idempotency-key.entity.ts';

/** What makes a request be done once: the key that its sender chose, and a hash of what it asks for. */
export type Once = { readonly key: string; readonly fingerprint: string };

/** The syntax of a key, with or without the quotes of a structured field (draft-ietf-httpapi-idempotency-key-header-07 §2.1). */
const KEY = new RegExp(
  `^(?:"([\\x20\\x21\\x23-\\x5b\\x5d-\\x7e]{1,${MAX_IDEMPOTENCY_KEY_CHARACTERS}})"|([\\x21\\x23-\\x5b\\x5d-\\x7e]{1,${MAX_IDEMPOTENCY_KEY_CHARACTERS}}))$`,
);

const LIFETIME = `interval '${IDEMPOTENCY_KEY_HOURS} hours'`;

/** Reads the Idempotency-Key of a request whose body is `body`. @throws {InvalidRequestError} */
export function parseIdempotencyKey(ctx: Context, body: unknown): Once | undefined {
  const header = ctx.req.headers['idempotency-key'];
  if (header === undefined) return undefined;
  const [, quoted, bare] = KEY.exec(String(header)) ?? [];
  const key = quoted ?? bare;
  if (key === undefined)
    throw new InvalidRequestError([
      {
        field: 'idempotency-key',
        expected: `1 to ${MAX_IDEMPOTENCY_KEY_CHARACTERS} visible characters without quotes`,
      },
    ]);
  return { key, fingerprint: hash('sha256', JSON.stringify([ctx.path.replace(/\/$/, ''), body]), 'base64url') };
}

/**
 * Answers as the first request of `owner` with this key was answered in the last 24 hours, or by `answer`, whose work is a
 * part of `transaction`: what was done and what was answered are committed together, so a process that dies leaves both
 * or neither. Refuses with 409 while a request with this key runs, and with 422 when it asked for something else.
 */
export async function answerOnce<T>(
  transaction: SqlEntityManager,
  owner: string,
  { key, fingerprint }: Once,
  answer: () => Promise<T>,
): Promise<T> {
  const [lock] = await transaction.execute<{ free: boolean }[]>(
    'select pg_try_advisory_xact_lock(hashtextextended(?, 0)) as free',
    [JSON.stringify([owner, key])],
  );
  if (lock?.free !== true) throw keyIsRunning();
  const [before] = await transaction.execute<{ fingerprint: string; answer: T }[]>(
    `select fingerprint, answer from api.idempotency_key where owner = ? and key = ? and created_at > now() - ${LIFETIME}`,
    [owner, key],
  );
  if (before !== undefined) {
    if (before.fingerprint === fingerprint) return before.answer;
    throw new HttpError('idempotency_key_reused', 'This Idempotency-Key was sent with another request', {
      fields: [{ field: 'idempotency-key', expected: 'a new key for a new request' }],
    });
  }
  const answered = await answer();
  await transaction.upsert(IdempotencyKeyEntity, {
    owner,
    key,
    fingerprint,
    answer: Object(answered),
    createdAt: new Date(),
  });
  return answered;
}

/**
 * Creates the keys of the requests that run in this process. The second of two with one key is refused at once, as it is
 * when the first runs in another process, and does not wait for its turn behind the first.
 */
export function createRunningKeys() {
  const running = new Set<string>();
  return async function runOnce<T>(owner: string, { key }: Once, run: () => Promise<T>): Promise<T> {
    const name = JSON.stringify([owner, key]);
    if (running.has(name)) throw keyIsRunning();
    running.add(name);
    try {
      return await run();
    } finally {
      running.delete(name);
    }
  };
}

function keyIsRunning(): HttpError {
  return new HttpError('idempotency_key_in_use', 'A request with this Idempotency-Key is running', {
    fields: [{ field: 'idempotency-key', expected: 'to be sent again when the first request is done' }],
    headers: { 'retry-after': '1' },
  });
}

/** Deletes the keys that are answered anew. */
export async function deleteExpiredKeys(em: SqlEntityManager): Promise<void> {
  await em.fork().execute(`delete from api.idempotency_key where created_at <= now() - ${LIFETIME}`);
}
