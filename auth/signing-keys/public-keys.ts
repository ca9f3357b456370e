import { setTimeout as delay } from 'node:timers/promises';
import { createLocalJWKSet, errors, type JWK, type JWTVerifyGetKey } from 'jose';
import type { Logger } from 'pino';
import { ServiceUnavailableError } from '../../shared/http/http-error.ts';
import { publicKeySet, type SigningKeys } from './signing-keys.ts';

/**
 * The public halves of the signing keys of every auth process, also of keys that were created after this one started.
 */
export type PublicKeys = {
  /**
   * Returns the key that verifies a token.
   * @throws {errors.JWKSNoMatchingKey} when no process has signed with that key.
   * @throws {ServiceUnavailableError} when this process does not have the key and cannot read the database.
   */
  readonly find: JWTVerifyGetKey;
  /** Returns the JWK Set to publish (RFC 7517 §5). */
  readonly keySet: () => Promise<{ keys: JWK[] }>;
};

/** The shortest time between two reads of the database, so that made-up key ids cause no more than that. */
const MIN_REFRESH_INTERVAL_MS = 1_000;

/**
 * For how long `keySet` waits for a read. If the database hangs, the keys that were read before are still published.
 */
const KEY_SET_TIMEOUT_MS = 500;

/**
 * Creates the view of the public keys. It calls `load` to read the signing keys from the database when a token names an
 * unknown key, and before the key set is published. If that fails, it uses the keys that it read before.
 */
export function createPublicKeys({
  signingKeys,
  load,
  logger,
  now = Date.now,
}: {
  signingKeys: SigningKeys;
  load: () => Promise<SigningKeys>;
  logger: Logger;
  now?: () => number;
}): PublicKeys {
  let published = publicKeySet(signingKeys);
  let findPublished = createLocalJWKSet(published);
  let refreshedAt = Number.NEGATIVE_INFINITY;
  let refreshing = Promise.resolve();
  let refreshedOrTimedOut: Promise<void> = refreshing;

  return {
    async find(header, token) {
      try {
        return await findPublished(header, token);
      } catch (error) {
        if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
        refresh();
        // without the read it is unknown whether auth issued the token, and revocation must not answer that it is
        // invalid
        await refreshing.catch((cause) => {
          throw new ServiceUnavailableError('database_unavailable', 'The signing keys cannot be read.', { cause });
        });
        return findPublished(header, token);
      }
    },
    async keySet() {
      refresh();
      await refreshedOrTimedOut;
      return published;
    },
  };

  /** Starts a read, unless the last one started less than a second ago. */
  function refresh(): void {
    if (now() - refreshedAt < MIN_REFRESH_INTERVAL_MS) return;
    refreshedAt = now();
    refreshing = load().then((keys) => {
      const current = publicKeySet(keys);
      if (keyIds(current) === keyIds(published)) return;
      published = current;
      findPublished = createLocalJWKSet(current);
    });
    const refreshed = refreshing.catch((err) =>
      logger.warn({ event: 'signing_keys.read_failed', err }, 'cannot read the signing keys, using the cached keys'),
    );
    refreshedOrTimedOut = Promise.race([refreshed, delay(KEY_SET_TIMEOUT_MS, undefined, { ref: false })]);
  }
}

function keyIds({ keys }: { keys: JWK[] }): string {
  return keys.map(({ kid }) => kid).join(' ');
}
