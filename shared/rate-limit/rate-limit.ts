import type { Middleware, ParameterizedContext } from 'koa';
import { LRUCache } from 'lru-cache';
import { HttpError } from '../http/http-error.ts';
import type { Authorized } from '../resource-server/koa.ts';
import type { PointCounter, Usage } from './point-counter.ts';
import { REQUEST_POINTS } from './points.ts';
import { rateLimitKey } from './rate-limit-key.ts';

type AuthorizedContext = Pick<ParameterizedContext<Authorized>, 'state' | 'set'>;

/**
 * The rate limit of each subject. Every response to a counted request says how many points are left
 * (draft-ietf-httpapi-ratelimit-headers-11). Each function rejects with 429 `rate_limited` if the subject has no points left,
 * except `charge` and `exhaust`.
 */
export type RateLimit = {
  /** Middleware that counts each request. Mount it after `requireAccessToken`. */
  readonly limitRequests: Middleware<Authorized>;
  /** Counts the points of work before it is done, without the points `counted` of the same work that were counted before. */
  readonly spend: (ctx: AuthorizedContext, points: number, counted?: number) => Promise<void>;
  /** Counts the points of work that was done, and lets the response go. */
  readonly charge: (ctx: AuthorizedContext, points: number) => Promise<void>;
  /** Rejects the subject for `seconds`, at most those of the limit: another service, which counts the same points, has rejected it. */
  readonly exhaust: (ctx: Pick<AuthorizedContext, 'state'>, seconds: number) => void;
  /** Counts nothing. */
  readonly requirePoints: (ctx: AuthorizedContext) => void;
};

/** Subjects without points that are remembered. */
const MAX_EXHAUSTED_SUBJECTS = 10_000;

/** Creates the rate limit of a service. Only subjects of valid access tokens are counted, so none is invented. */
export function createRateLimit(counter: PointCounter): RateLimit {
  const { limit, seconds } = counter;
  const policy = `"default";q=${limit};w=${seconds}`;
  const detail = `Too many requests. The limit is ${limit} points in ${seconds} seconds. Retry when Retry-After has passed.`;
  // until when a subject has no points left: a flood of its requests is rejected without asking the store
  const exhausted = new LRUCache<string, number>({ max: MAX_EXHAUSTED_SUBJECTS });

  return {
    async limitRequests(ctx, next) {
      requirePoints(ctx);
      requireWithinLimit(ctx, await add(ctx, REQUEST_POINTS));
      await next();
    },
    async spend(ctx, points, counted = 0) {
      const further = affordable(points) - affordable(counted);
      if (further === 0) return;
      requirePoints(ctx);
      requireWithinLimit(ctx, await add(ctx, further));
    },
    async charge(ctx, points) {
      if (points > 0 && findResetMs(ctx) === undefined) note(ctx, await add(ctx, points));
    },
    exhaust({ state }, resetSeconds) {
      exhausted.set(rateLimitKey(state.accessToken), Date.now() + Math.min(resetSeconds, seconds) * 1000);
    },
    requirePoints,
  };

  /** A request costs no more than the whole limit: otherwise it could never succeed. */
  function affordable(points: number): number {
    return Math.max(0, Math.min(points, limit - REQUEST_POINTS));
  }

  function add({ state }: AuthorizedContext, points: number): Promise<Usage> {
    return counter.add(rateLimitKey(state.accessToken), points);
  }

  function requirePoints(ctx: AuthorizedContext): void {
    const resetMs = findResetMs(ctx);
    if (resetMs !== undefined)
      requireWithinLimit(ctx, { consumedPoints: limit + 1, remainingPoints: 0, msBeforeNext: resetMs });
  }

  function findResetMs({ state }: AuthorizedContext): number | undefined {
    const until = exhausted.get(rateLimitKey(state.accessToken));
    // a count that has expired starts again
    return until !== undefined && until > Date.now() ? until - Date.now() : undefined;
  }

  function requireWithinLimit(ctx: AuthorizedContext, usage: Usage): void {
    const reset = note(ctx, usage);
    if (usage.consumedPoints > limit)
      throw new HttpError('rate_limited', detail, {
        members: { limit, window_seconds: seconds },
        headers: { 'retry-after': `${reset}` },
      });
  }

  /** Writes the headers, and returns the seconds until the count starts again. */
  function note(ctx: AuthorizedContext, { remainingPoints, msBeforeNext }: Usage): number {
    if (remainingPoints === 0) exhausted.set(rateLimitKey(ctx.state.accessToken), Date.now() + msBeforeNext);
    // never 0: a count that has expired has started again
    const reset = Math.max(1, Math.ceil(msBeforeNext / 1000));
    ctx.set('RateLimit-Policy', policy);
    ctx.set('RateLimit', `"default";r=${remainingPoints};t=${reset}`);
    return reset;
  }
}
