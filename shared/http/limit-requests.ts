import type { Middleware } from 'koa';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import type { Authorized } from '../resource-server/koa.ts';
import { HttpError } from './http-error.ts';

/**
 * Lets each subject make `requests` in `seconds`, counted from the first, and refuses with 429 what is more. It comes after
 * the guard, and every answer from there on says what is left (draft-ietf-httpapi-ratelimit-headers-11).
 *
 * Each process counts in its memory, alone: n of them let n times as much pass. A subject is forgotten when its seconds
 * are over, and none is counted that a good access token did not name, so made-up ones do not fill the memory.
 */
export function limitRequests({ requests, seconds }: { requests: number; seconds: number }): Middleware<Authorized> {
  const limiter = new RateLimiterMemory({ keyPrefix: '', points: requests, duration: seconds });
  const policy = `"default";q=${requests};w=${seconds}`;
  const detail = `At most ${requests} requests in ${seconds} seconds: wait as long as Retry-After says, then go on`;

  return async function limitRequests(ctx, next) {
    // it counts as `consume` does, without an exception for each request that is refused
    const counted = await limiter.penalty(ctx.state.accessToken.subject);
    // never 0: a count whose time is over has begun anew
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
