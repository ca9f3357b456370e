import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { networkOf } from '../../shared/http/network-of.ts';
import type { Account } from '../accounts/account.entity.ts';
import { findAccountByName } from '../accounts/accounts.ts';
import { normalizeUsername } from '../accounts/username.ts';
import type { FailedAuthenticationLimiter } from '../client-authentication/failed-authentication-limiter.ts';
import { PasswordEntity } from './password.entity.ts';
import { type PasswordHashing, PasswordsBusyError } from './password-hash.ts';

/** The result of a check of a password. It does not tell why one failed. */
export type PasswordResult =
  | { readonly kind: 'verified'; readonly account: Account }
  | { readonly kind: 'rejected' }
  | { readonly kind: 'limited'; readonly seconds: number };

/** Checks a user name and a password. @throws {PasswordsBusyError} when too many are being checked. */
export type VerifyPassword = (attempt: {
  readonly username: string;
  readonly password: string;
  readonly address: string;
}) => Promise<PasswordResult>;

/**
 * Creates the check of passwords. Failures are limited by user name and address, and by address. An unknown name, a
 * disabled account and a wrong password give the same result after the same work.
 */
export function createPasswordVerifier({
  em,
  hashing,
  failures,
}: {
  em: SqlEntityManager;
  hashing: PasswordHashing;
  failures: FailedAuthenticationLimiter;
}): VerifyPassword {
  const attempts = createAttemptQueue();

  return function verifyPassword(attempt) {
    // one after another: attempts at once would all be checked against the limit before the first one has failed
    return attempts.run(networkOf(attempt.address), () => check(attempt));
  };

  async function check({ username, password, address }: Parameters<VerifyPassword>[0]): Promise<PasswordResult> {
    const attempt = { identifier: normalizeUsername(username).slice(0, 256), credential: 'secret', address } as const;
    // unlike a client secret, a password may be guessed, so a correct one is rejected too while the limit lasts
    const waitMs = await failures.findWaitMs(attempt);
    if (waitMs !== undefined) return { kind: 'limited', seconds: Math.max(1, Math.ceil(waitMs / 1000)) };
    const account = await findAccountByName(em, username);
    const stored =
      account === undefined
        ? null
        : await em.fork().findOne(PasswordEntity, { accountId: account.id }, { disableIdentityMap: true });
    const matches = await hashing.verify(password, stored?.hash);
    if (!matches || account === undefined || !account.active) {
      await failures.recordFailure(attempt);
      return { kind: 'rejected' };
    }
    failures.recordSuccess(attempt);
    return { kind: 'verified', account };
  }
}

/** Attempts of one network that may wait for each other. */
const MAX_WAITING_ATTEMPTS = 20;

/** Creates queues, one for each network, in which one attempt runs after another. */
function createAttemptQueue() {
  const queues = new Map<string, { last: Promise<unknown>; length: number }>();
  return {
    /** @throws {PasswordsBusyError} when too many attempts of the network wait. */
    async run<T>(network: string, attempt: () => Promise<T>): Promise<T> {
      const queue = queues.get(network) ?? { last: Promise.resolve(), length: 0 };
      if (queue.length >= MAX_WAITING_ATTEMPTS)
        throw new PasswordsBusyError('too many passwords of this network are being checked');
      queues.set(network, queue);
      queue.length += 1;
      const running = queue.last.then(attempt);
      queue.last = running.catch(() => undefined);
      try {
        return await running;
      } finally {
        queue.length -= 1;
        if (queue.length === 0) queues.delete(network);
      }
    },
  };
}
