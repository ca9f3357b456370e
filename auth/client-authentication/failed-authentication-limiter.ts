import { hash } from 'node:crypto';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { LRUCache } from 'lru-cache';
import pg from 'pg';
import type { Logger } from 'pino';
import { RateLimiterMemory, RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible';
import type { Database } from '../../shared/database/database.ts';
import { openSocketWithIdleTimeout } from '../../shared/database/idle-timeout.ts';
import { FailedAuthenticationEntity } from './failed-authentication.entity.ts';
import { networkOf } from './network-of.ts';

/** Who claims to be which client, from where. */
type Claim = { readonly clientId: string; readonly address: string };

/** What limits failed client authentication. Disposing it closes its connections. */
export type FailedAuthenticationLimiter = AsyncDisposable & {
  /**
   * Milliseconds until this claim is looked at again, or undefined when it is now. It is answered from memory, and at once
   * as long as nobody failed.
   */
  readonly findWait: (claim: Claim) => Promise<number | undefined> | undefined;
  /** The claim was false. It counts in this process at once, and when this resolves in the others too. */
  readonly failed: (claim: Claim) => Promise<void>;
  /** The claim was true. */
  readonly succeeded: (claim: Claim) => void;
};

/** Failures within `seconds` that close the door, for as many seconds. */
type Limits = { readonly perClient: number; readonly perAddress: number; readonly seconds: number };

const LIMITS: Limits = { perClient: 10, perAddress: 100, seconds: 60 };

/** Clients that authenticated from an address, remembered at the most. */
const REMEMBER = 10_000;

/** Milliseconds that PostgreSQL has to answer. */
const ANSWER_WITHIN = 5_000;

/**
 * Opens the limiter of failed client authentication. It counts for each client id from each address, so that nobody can
 * lock out a client that is elsewhere, and for each address alone, so that made-up client ids come to an end too; that
 * second limit does not concern a client that authenticated from there before.
 *
 * Every process counts in its memory, which is all that a request reads. On PostgreSQL a failure is counted there too,
 * and what the others counted comes back with it: a process learns of a limit that was reached elsewhere with the first
 * failure of its own, so that n processes bear n - 1 guesses more than one. While PostgreSQL is away each counts alone.
 */
export function openFailedAuthenticationLimiter({
  database,
  logger,
  limits: { perClient, perAddress, seconds } = LIMITS,
}: {
  database: Database;
  logger: Logger;
  limits?: Limits;
}): FailedAuthenticationLimiter {
  const pool = database.kind === 'postgresql' ? openPool(database.url) : undefined;
  const client = createCounter('client', perClient);
  const address = createCounter('address', perAddress);
  const authenticated = new LRUCache<string, true>({ max: REMEMBER });
  let anyFailed = false;

  return {
    findWait: (claim) => (anyFailed ? findWaitOf(claim) : undefined),
    async failed(claim) {
      anyFailed = true;
      const { ofClient, ofAddress } = keysOf(claim);
      await Promise.all([client.count(ofClient, claim), address.count(ofAddress, claim)]);
    },
    succeeded: (claim) => authenticated.set(nameOf(claim), true),
    [Symbol.asyncDispose]: async () => pool?.end(),
  };

  async function findWaitOf(claim: Claim): Promise<number | undefined> {
    const { ofClient, ofAddress } = keysOf(claim);
    return (
      (await client.findWait(ofClient)) ?? (authenticated.has(nameOf(claim)) ? undefined : address.findWait(ofAddress))
    );
  }

  function createCounter(keyPrefix: string, failures: number) {
    // the package closes the door with the first that is one too many, and here it is the last failure that does
    const options = { keyPrefix, points: failures - 1, duration: seconds, blockDuration: seconds };
    const here = new RateLimiterMemory(options);
    const everywhere =
      pool &&
      new RateLimiterPostgres({
        ...options,
        storeClient: pool,
        storeType: 'pool',
        schemaName: 'auth',
        tableName: 'failed_authentication',
        tableCreated: true,
        // deleteExpiredFailures does it
        clearExpiredByTimeout: false,
      });

    return {
      async findWait(key: string) {
        const counted = await here.get(key);
        if (counted === null || counted.consumedPoints < failures || counted.msBeforeNext <= 0) return undefined;
        return counted.msBeforeNext;
      },
      async count(key: string, { clientId, address }: Claim) {
        // here and at once: those that arrive while PostgreSQL is asked are no free guesses
        const limited = await consume(here, key);
        const limitedEverywhere = everywhere && (await consume(everywhere, key));
        if (limitedEverywhere) await here.block(key, limitedEverywhere.msBeforeNext / 1000);
        if (limited || limitedEverywhere) {
          logger.warn(
            { limit: keyPrefix, client_id: clientId.slice(0, 100), address },
            'client authentication failed too often and is refused for a while',
          );
        }
      },
    };
  }

  /** Counts a failure, and says for how long there may be no other. */
  async function consume(limiter: RateLimiterMemory | RateLimiterPostgres, key: string) {
    try {
      await limiter.consume(key);
      return undefined;
    } catch (error) {
      if (error instanceof RateLimiterRes) return error;
      logger.warn({ err: error }, 'a failed client authentication is counted in this process alone');
      return undefined;
    }
  }

  function openPool(connectionString: string): pg.Pool {
    const opened = new pg.Pool({
      connectionString,
      max: 2,
      connectionTimeoutMillis: ANSWER_WITHIN,
      // an idle connection is closed before its silence is taken for the server's
      idleTimeoutMillis: ANSWER_WITHIN - 1_000,
      // not query_timeout, which puts the connection back with its statement still running
      stream: () => openSocketWithIdleTimeout(ANSWER_WITHIN),
    });
    // an idle connection that breaks is replaced when there is something to count
    opened.on('error', (err) => logger.warn({ err }, 'a connection to PostgreSQL broke'));
    return opened;
  }
}

/** Only clients that there are have authenticated, so this needs no hash to be short. */
function nameOf({ clientId, address }: Claim): string {
  return `${clientId} ${networkOf(address)}`;
}

/** Deletes the counts that expired: they count no more. */
export async function deleteExpiredFailures(em: SqlEntityManager): Promise<void> {
  await em.fork().nativeDelete(FailedAuthenticationEntity, { expire: { $lte: Date.now() } });
}

function keysOf({ clientId, address }: Claim): { ofClient: string; ofAddress: string } {
  const ofAddress = networkOf(address);
  // whoever makes a client id up decides how long it is
  return { ofClient: hash('sha256', `${ofAddress} ${clientId}`, 'base64url'), ofAddress };
}
