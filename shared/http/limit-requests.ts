import type { Middleware } from 'koa';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import type { Authorized } from '../resource-server/koa.ts';
import { HttpError } from './http-error.ts';

/**
 * Lets each subject make `requests` within `seconds`, counted from its first request, and rejects more with 429. Mount it
 * after `requireAccessToken`. Every later response says how many requests are left
 * (draft-ietf-httpapi-ratelimit-headers-11).
 *
 * Each process counts in its own memory, so n processes allow n times as many requests. Only subjects of valid access
 * tokens are counted, and each only for `seconds`, so a client cannot fill the memory with invented subjects.
 */
export function limitRequests({ requests, seconds }: { requests: number; seconds: number }): Middleware<Authorized> {
  const limiter = new RateLimiterMemory({ keyPrefix: '', points: requests, duration: seconds });
  const policy = `"default";q=${requests};w=${seconds}`;
  const detail = `Too many requests. The limit is ${requests} in ${seconds} seconds. Retry when Retry-After has passed.`;

  return async function limitRequests(ctx, next) {
    // counts like `consume`, but throws no exception for a rejected request
    const counted = await limiter.penalty(ctx.state.accessToken.subject);
    // never 0: a count that has expired has started again
    const reset = Math.ceil(counted.msBeforeNext / 1000);
    ctx.set('RateLimit-Policy', policy);
    ctx.set('RateLimit', `"default";r=${counted.remainingPoints};t=${reset}`);
    if (counted.consumedPoints > requests)
      throw new HttpError('rate_limited', detail, {
        members: { limit: requests, window_seconds: seconds },
        headers: { 'retry-after': `${reset}` },
      });
    await next();
  };
}
