import { setTimeout as delay } from 'node:timers/promises';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { createLocalJWKSet, errors, type JWK, type JWTVerifyGetKey } from 'jose';
import type { Logger } from 'pino';
import { ServiceUnavailableError } from '../../shared/http/http-error.ts';
import { LEAD_SECONDS } from './key-life.ts';
import {
  createKey,
  decryptKey,
  encryptAgain,
  findNewest,
  type KeySettings,
  lockKeys,
  readKeys,
  retainPredecessors,
  type SigningKey,
  type StoredKey,
} from './key-store.ts';
import { toPublicJwk } from './public-jwk.ts';

/** The ids of the keys that are published, the newest first, and of those that were revoked. */
export type KeyIds = { readonly published: readonly string[]; readonly revoked: readonly string[] };

/** The signing keys of every auth process, as this one read them last. */
export type SigningKeys = {
  /** Returns the key that signs now. */
  readonly active: () => SigningKey;
  /** Returns a key that is published, or was so a moment ago. */
  readonly get: (kid: string) => SigningKey | undefined;
  readonly ids: () => KeyIds;
  /**
   * Returns the key that verifies a token.
   * @throws {errors.JWKSNoMatchingKey} when no process signs with that key, or the key was revoked.
   * @throws {ServiceUnavailableError} when this process does not have the key and cannot read the database.
   */
  readonly find: JWTVerifyGetKey;
  /** Changes with the keys, so that nothing which a key of before verified is used. */
  readonly generation: () => number;
  /** Returns the JWK Set to publish (RFC 7517 §5). */
  readonly keySet: () => Promise<{ keys: JWK[] }>;
  /** Reads what was committed before the call. */
  readonly read: () => Promise<void>;
};

/** The shortest time between two reads of the database for unknown keys, so that made-up key ids cause no more than that. */
const MIN_REFRESH_INTERVAL_MS = 1_000;

/**
 * For how long `keySet` waits for a read. If the database hangs, the keys that were read before are still published.
 */
const KEY_SET_TIMEOUT_MS = 500;

/**
 * Opens the signing keys in a database. It creates one when there is none, and the next one when the newest has another
 * algorithm than `algorithm`. It encrypts those again that another than the first key encryption key encrypted.
 * @throws {SecretUnreadableError} when a key was encrypted with another key encryption key.
 */
export async function openSigningKeys({
  em,
  logger,
  now = Date.now,
  ...settings
}: KeySettings & { em: SqlEntityManager; logger: Logger; now?: () => number }): Promise<SigningKeys> {
  await em.fork().transactional((transaction) => prepareKeys(transaction, settings));
  /** The private halves of the keys, by id. */
  const decrypted = new Map<string, SigningKey>();
  let signing: { readonly key: SigningKey; readonly signsFrom: number }[] = [];
  let ids: KeyIds = { published: [], revoked: [] };
  let generation = 0;
  let published: { keys: JWK[] } = { keys: [] };
  let findPublished: JWTVerifyGetKey = createLocalJWKSet(published);
  let reading: Promise<void> = Promise.resolve();
  let refreshedAt = Number.NEGATIVE_INFINITY;
  let refreshing = Promise.resolve();
  let refreshedOrTimedOut: Promise<void> = refreshing;
  await read();

  return {
    active,
    get: (kid) => decrypted.get(kid),
    ids: () => ids,
    async find(header, token) {
      // every token of auth names its key, and without the name a token of a revoked key could match another one
      if (header.kid === undefined) throw new errors.JWKSNoMatchingKey();
      try {
        return await findPublished(header, token);
      } catch (error) {
        if (!(error instanceof errors.JWKSNoMatchingKey) || ids.revoked.includes(header.kid ?? '')) throw error;
        refresh();
        // without the read it is unknown whether auth issued the token, and revocation must not answer that it is
        // invalid
        await refreshing.catch((cause) => {
          throw new ServiceUnavailableError('database_unavailable', 'The signing keys cannot be read.', { cause });
        });
        return findPublished(header, token);
      }
    },
    generation: () => generation,
    async keySet() {
      refresh();
      await refreshedOrTimedOut;
      return published;
    },
    read,
  };

  function active(): SigningKey {
    const found = signing.find(({ signsFrom }) => signsFrom <= now()) ?? signing.at(-1);
    if (found === undefined) throw new ServiceUnavailableError('database_unavailable', 'There is no signing key.');
    return found.key;
  }

  /** Reads after the reads that were started before, so that none puts an older state in the place of a newer one. */
  function read(): Promise<void> {
    const current = reading.then(readAndApply);
    reading = current.catch(() => undefined);
    return current;
  }

  async function readAndApply(): Promise<void> {
    const stored = await readKeys(em.fork());
    const valid = stored.filter(({ revokedAt }) => revokedAt === null);
    for (const key of valid) if (!decrypted.has(key.kid)) await decrypt(key);
    signing = valid.flatMap(({ kid, signsFrom }) => {
      const key = decrypted.get(kid);
      return key === undefined ? [] : [{ key, signsFrom }];
    });
    for (const kid of decrypted.keys()) if (!stored.some((key) => key.kid === kid)) decrypted.delete(kid);
    const current = {
      published: signing.map(({ key }) => key.kid),
      revoked: stored.filter(({ revokedAt }) => revokedAt !== null).map(({ kid }) => kid),
    };
    if (JSON.stringify(current) === JSON.stringify(ids)) return;
    ids = current;
    generation += 1;
    published = { keys: signing.map(({ key }) => toPublicJwk(key)) };
    findPublished = createLocalJWKSet(published);
  }

  /** Another process may have another key encryption key: the keys that this one can read are still published. */
  async function decrypt(stored: StoredKey): Promise<void> {
    try {
      decrypted.set(stored.kid, (await decryptKey(stored, settings.keyEncryptionKeys)).key);
    } catch (err) {
      logger.error({ event: 'signing_keys.unreadable', kid: stored.kid, err }, 'cannot decrypt a new signing key');
    }
  }

  /** Starts a read, unless the last one started less than a second ago. */
  function refresh(): void {
    if (now() - refreshedAt < MIN_REFRESH_INTERVAL_MS) return;
    refreshedAt = now();
    refreshing = read();
    const refreshed = refreshing.catch((err) =>
      logger.warn({ event: 'signing_keys.read_failed', err }, 'cannot read the signing keys, using the cached keys'),
    );
    refreshedOrTimedOut = Promise.race([refreshed, delay(KEY_SET_TIMEOUT_MS, undefined, { ref: false })]);
  }
}

/** If several processes start at once, one of them creates the key. */
async function prepareKeys(transaction: SqlEntityManager, settings: KeySettings): Promise<void> {
  const keys = await lockKeys(transaction);
  for (const stored of keys) {
    if (stored.revokedAt !== null) continue;
    const { key, isCurrent } = await decryptKey(stored, settings.keyEncryptionKeys);
    if (!isCurrent) await encryptAgain(transaction, key, settings.keyEncryptionKeys);
  }
  const newest = findNewest(keys);
  if (newest === undefined) await createKey(transaction, settings, { seconds: 0 });
  else if (newest.alg !== settings.algorithm) await createKey(transaction, settings, { seconds: LEAD_SECONDS });
  // the tokens may have a longer lifetime than at the last start, and a process of another version may have created a key
  else await retainPredecessors(transaction, settings);
}
