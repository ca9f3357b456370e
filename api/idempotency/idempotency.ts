import { hash } from 'node:crypto';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { Context } from 'koa';
import { HttpError, InvalidRequestError } from '../../shared/http/http-error.ts';
import { IDEMPOTENCY_KEY_HOURS, MAX_IDEMPOTENCY_KEY_CHARACTERS } from '../../shared/todo/limits.ts';

/** A request that a client may repeat: the Idempotency-Key that the client chose, and a hash of the path and the body. */
export type IdempotentRequest = { readonly key: string; readonly fingerprint: string };

/**
 * A key as a String of structured fields, with any parameters (RFC 9651 §3.3.3, draft-ietf-httpapi-idempotency-key-header-07
 * §2.1), or as most clients send it: without quotes.
 */
const STRING =
  /^"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"((?:\s*;\s*[a-z*][a-z0-9_.*-]*(?:=[^\s;"]+|=%?"(?:[^"\\]|\\["\\])*")?)*)$/;
/** The beginning of a second key, and of a parameter without a name, after a String. */
const AFTER_STRING = /^"(?:[^"\\]|\\.)*"\s*(,|.*;\s*(?:$|[;=]))/;

const BARE = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

const LIFETIME = `interval '${IDEMPOTENCY_KEY_HOURS} hours'`;

/**
 * Reads the Idempotency-Key header of a request. `content` returns what is equal in the bodies of equal requests.
 * @throws {InvalidRequestError}
 */
export function parseIdempotencyKey(ctx: Context, content: () => unknown): IdempotentRequest | undefined {
  const header = ctx.req.headers['idempotency-key'];
  if (header === undefined) return undefined;
  const text = String(header);
  const key = STRING.exec(text)?.[1]?.replaceAll(/\\(.)/g, '$1') ?? BARE.exec(text)?.[0] ?? '';
  if (key === '' || key.length > MAX_IDEMPOTENCY_KEY_CHARACTERS) {
    throw new InvalidRequestError([{ field: 'idempotency-key', expected: describeExpected(text) }]);
  }
  return { key, fingerprint: hash('sha256', JSON.stringify([ctx.path.replace(/\/$/, ''), content()]), 'base64url') };
}

/** Says what is wrong after the String, if that is the fault. */
function describeExpected(text: string): string {
  const [, fault] = AFTER_STRING.exec(text) ?? [];
  if (fault === ',') return 'one key, not a list';
  if (fault !== undefined) return 'a name after each semicolon, as parameters have one';
  return `1 to ${MAX_IDEMPOTENCY_KEY_CHARACTERS} visible characters, with or without quotation marks around them`;
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
