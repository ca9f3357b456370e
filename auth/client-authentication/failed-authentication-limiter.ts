import { hash } from 'node:crypto';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { LRUCache } from 'lru-cache';
import type { Logger } from 'pino';
import { RateLimiterMemory, RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible';
import type { Database } from '../../shared/database/database.ts';
import type { ObservePool } from '../../shared/database/observe-pools.ts';
import { openPool } from '../../shared/database/pool.ts';
import { networkOf } from '../../shared/http/network-of.ts';
import { FailedAuthenticationEntity } from './failed-authentication.entity.ts';

/** What a request presents to authenticate a client or a person. */
export type Credential = 'secret' | 'assertion' | 'none';

/**
 * An attempt to authenticate: the client id or the user name that the request claims, what it presents, and the address that
 * it comes from.
 */
type Attempt = { readonly identifier: string; readonly credential: Credential; readonly address: string };

/** Limits failed authentication of clients, or of persons. Disposing it closes its connections to PostgreSQL. */
export type FailedAuthenticationLimiter = AsyncDisposable & {
  /**
   * Finds the milliseconds for which an attempt is still limited, or undefined when it is not. The result comes from
   * memory, and without a promise as long as no authentication has failed in this process.
   */
  readonly findWaitMs: (attempt: Attempt) => Promise<number | undefined> | undefined;
  /** Counts a failure: in this process at once, in the other processes when the promise resolves. */
  readonly recordFailure: (attempt: Attempt) => Promise<void>;
  /** Records that the client or person authenticated from this address. */
  readonly recordSuccess: (attempt: Omit<Attempt, 'credential'>) => void;
};

/** So many failures within `seconds` limit further attempts for the same number of seconds. */
type Limits = { readonly perIdentifier: number; readonly perAddress: number; readonly seconds: number };

/** Whose failures a limiter counts, and what it logs when a limit is reached. */
type Counted = {
  readonly keyPrefix: string;
  readonly logLimit: (
    logger: Logger,
    limited: {
      readonly limit: 'identifier' | 'address';
      readonly identifier: string;
      readonly address: string;
      readonly request_id: string | undefined;
    },
  ) => void;
};

/** Clients at the OAuth endpoints. */
const CLIENTS: Counted = {
  keyPrefix: '',
  logLimit: (logger, { limit, identifier: client_id, address, request_id }) =>
    logger.warn(
      {
        event: 'client_authentication.limited',
        limit: limit === 'identifier' ? 'client' : limit,
        client_id,
        address,
        request_id,
      },
      'client authentication failed too often: further wrong secrets or client assertions get 429',
    ),
};

/** Persons at the sign-in page. */
export const PERSONS: Counted = {
  keyPrefix: 'sign-in-',
  logLimit: (logger, { limit, identifier: username, address, request_id }) =>
    logger.warn(
      { event: 'sign_in.limited', limit: limit === 'identifier' ? 'username' : limit, username, address, request_id },
      'signing in failed too often: further attempts are rejected for a minute',
    ),
};

const LIMITS: Limits = { perIdentifier: 10, perAddress: 100, seconds: 60 };

const MAX_REMEMBERED_SUCCESSES = 10_000;

const POSTGRESQL_TIMEOUT_MS = 5_000;

const MAX_CONNECTIONS = 2;

const MAX_LOGGED_IDENTIFIER_LENGTH = 100;

/**
 * Opens the limiter of failed client authentication. One limit is for each identifier at each address, so that failures of
 * an attacker do not limit a client that is at another address. It counts secrets and client assertions separately, so that
 * wrong secrets do not limit a client that authenticates with a key. Another limit is for each address, so that an attacker
 * who goes on with other client ids is limited too. The second limit does not apply to a client that has authenticated from
 * that address before. The limiter only counts: the endpoints reject wrong secrets and client assertions of a limited
 * client, and accept a correct secret.
 *
 * A request only reads the counts in the memory of its process. On PostgreSQL, failures are also counted in the
 * database, and each count returns the failures of all processes. A process therefore learns of a limit that was
 * reached elsewhere with the first failure of its own, so that n processes allow n - 1 more guesses than one process.
 * While PostgreSQL is unreachable, each process counts alone.
 */
export function openFailedAuthenticationLimiter({
  database,
  logger,
  limits: { perIdentifier, perAddress, seconds } = LIMITS,
  counted = CLIENTS,
  findRequestId = () => undefined,
  observe,
}: {
  database: Database;
  logger: Logger;
  limits?: Limits;
  counted?: Counted;
  /** Finds the id of the current request, for the log. */
  findRequestId?: () => string | undefined;
  observe?: ObservePool;
}): FailedAuthenticationLimiter {
  const pool =
    database.kind === 'postgresql'
      ? openPool(database.url, {
          max: MAX_CONNECTIONS,
          timeout: POSTGRESQL_TIMEOUT_MS,
          observe,
          // the pool opens a new connection for the next failure
          onIdleError: (err) =>
            logger.warn(
              { event: 'client_authentication.connection_lost', err },
              'an idle connection to PostgreSQL failed',
            ),
        })
      : undefined;
  const identifierCounter = createCounter('identifier', perIdentifier);
  const addressCounter = createCounter('address', perAddress);
  const authenticated = new LRUCache<string, true>({ max: MAX_REMEMBERED_SUCCESSES });
  let hasAnyFailed = false;

  return {
    findWaitMs: (attempt) => (hasAnyFailed ? readCounters(attempt) : undefined),
    async recordFailure(attempt) {
      hasAnyFailed = true;
      const { identifierKey, addressKey } = createKeys(attempt);
      await Promise.all([identifierCounter.count(identifierKey, attempt), addressCounter.count(addressKey, attempt)]);
    },
    recordSuccess: (attempt) => authenticated.set(successKey(attempt), true),
    [Symbol.asyncDispose]: async () => pool?.end(),
  };

  async function readCounters(attempt: Attempt): Promise<number | undefined> {
    const { identifierKey, addressKey } = createKeys(attempt);
    return (
      (await identifierCounter.findWaitMs(identifierKey)) ??
      (authenticated.has(successKey(attempt)) ? undefined : addressCounter.findWaitMs(addressKey))
    );
  }

  function createCounter(limit: 'identifier' | 'address', failures: number) {
    // the package blocks after one point more than `points`, but the last allowed failure must already block
    const options = {
      keyPrefix: `${counted.keyPrefix}${limit}`,
      points: failures - 1,
      duration: seconds,
      blockDuration: seconds,
    };
    const inMemory = new RateLimiterMemory(options);
    const inPostgres =
      pool &&
      new RateLimiterPostgres({
        ...options,
        storeClient: pool,
        storeType: 'pool',
        schemaName: 'auth',
        tableName: 'failed_authentication',
        tableCreated: true,
        // deleteExpiredFailures deletes expired rows
        clearExpiredByTimeout: false,
      });

    return {
      async findWaitMs(key: string) {
        const counted = await inMemory.get(key);
        if (counted === null || counted.consumedPoints < failures || counted.msBeforeNext <= 0) return undefined;
        return counted.msBeforeNext;
      },
      async count(key: string, { identifier, address }: Attempt) {
        // the failure is counted in memory before PostgreSQL: otherwise requests that arrive in between would not be limited
        const limited = await consume(inMemory, key);
        const limitedByAll = inPostgres && (await consume(inPostgres, key));
        if (limitedByAll) await inMemory.block(key, limitedByAll.msBeforeNext / 1000);
        if (limited || limitedByAll) {
          counted.logLimit(logger, {
            limit,
            identifier: identifier.slice(0, MAX_LOGGED_IDENTIFIER_LENGTH),
            address,
            request_id: findRequestId(),
          });
        }
      },
    };
  }

  /** Counts a failure. Returns the state of the limit when the limit is reached. */
  async function consume(limiter: RateLimiterMemory | RateLimiterPostgres, key: string) {
    try {
      await limiter.consume(key);
      return undefined;
    } catch (error) {
      if (error instanceof RateLimiterRes) return error;
      logger.warn(
        { event: 'client_authentication.count_failed', err: error, request_id: findRequestId() },
        'cannot count a failed client authentication in the database, counting it in this process only',
      );
      return undefined;
    }
  }
}

/** Deletes the counts of failures that have expired. */
export async function deleteExpiredFailures(em: SqlEntityManager): Promise<void> {
  await em.fork().nativeDelete(FailedAuthenticationEntity, { expire: { $lte: Date.now() } });
}

/** Only clients and persons that exist authenticate, so the key is short without a hash. */
function successKey({ identifier, address }: Omit<Attempt, 'credential'>): string {
  return `${identifier} ${networkOf(address)}`;
}

/** The identifier of a failed attempt can be of any length, so it is hashed. */
function createKeys({ identifier, credential, address }: Attempt): { identifierKey: string; addressKey: string } {
  const addressKey = networkOf(address);
  return { identifierKey: hash('sha256', `${addressKey} ${credential} ${identifier}`, 'base64url'), addressKey };
}
