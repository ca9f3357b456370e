import { setTimeout as delay } from 'node:timers/promises';
import { createLocalJWKSet, errors, type JWK, type JWTVerifyGetKey } from 'jose';
import type { Logger } from 'pino';
import { ServiceUnavailableError } from '../../shared/http/http-error.ts';
import { publicKeySet, type SigningKeys } from './signing-keys.ts';

/** The public half of the signing keys, those too that another process made after this one started. */
export type PublicKeys = {
  /**
   * The key that verifies a token. @throws {errors.JWKSNoMatchingKey} when no process signs with it.
   * @throws {ServiceUnavailableError} when it is not known here and the database cannot be asked.
   */
  readonly find: JWTVerifyGetKey;
  /** The JWKS to publish (RFC 7517 §5). */
  readonly keySet: () => Promise<{ keys: JWK[] }>;
};

/** Milliseconds between looks into the database: whoever makes up key ids costs no more than that. */
const LOOK_EVERY = 1_000;

/** Milliseconds that the key set waits for a look: a database that hangs must not keep the keys that are known from anybody. */
const WAIT_FOR = 500;

/**
 * Creates the view of the public keys. `load` reads the signing keys from the database, when a key is asked for that is
 * not known and before the key set is published; without the database those that are known go on serving.
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
  let findKnown = createLocalJWKSet(published);
  let lookedAt = Number.NEGATIVE_INFINITY;
  let looking = Promise.resolve();
  let lookedOrLate: Promise<void> = looking;

  return {
    async find(header, token) {
      try {
        return await findKnown(header, token);
      } catch (error) {
        if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
        look();
        // whether a token is ours is not known before: it must not pass for one that needs no revocation
        await looking.catch((cause) => {
          throw new ServiceUnavailableError('database_unavailable', 'The signing keys could not be read', { cause });
        });
        return findKnown(header, token);
      }
    },
    async keySet() {
      look();
      await lookedOrLate;
      return published;
    },
  };

  function look(): void {
    if (now() - lookedAt < LOOK_EVERY) return;
    lookedAt = now();
    looking = load().then((keys) => {
      const current = publicKeySet(keys);
      if (idsOf(current) === idsOf(published)) return;
      published = current;
      findKnown = createLocalJWKSet(current);
    });
    const looked = looking.catch((err) =>
      logger.warn({ err }, 'the signing keys could not be read; those that are known go on serving'),
    );
    lookedOrLate = Promise.race([looked, delay(WAIT_FOR, undefined, { ref: false })]);
  }
}

function idsOf({ keys }: { keys: JWK[] }): string {
  return keys.map(({ kid }) => kid).join(' ');
}
