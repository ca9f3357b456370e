import type { Middleware, ParameterizedContext } from 'koa';
import type * as z from 'zod';
import { HttpError } from '../http/http-error.ts';
import type { Authorized } from '../resource-server/koa.ts';
import type { PROBLEMS } from '../todo/problems.ts';
import { rateLimitKey } from './rate-limit-key.ts';

/** Unfinished requests of one subject in one process. */
const MAX_CONCURRENT_REQUESTS = 100;

/** Unfinished requests of one subject with a large body, in one process. */
const MAX_LARGE_BODIES = 10;

/** A larger body is large. The subject may send as many others as requests. */
const LARGE_BODY_BYTES = 100_000;

type ConcurrencyLimit = {
  readonly max: number;
  readonly unit: z.infer<typeof PROBLEMS.too_many_concurrent_requests.members>['unit'];
  /** Whether a request counts. */
  readonly counts?: (ctx: ParameterizedContext) => boolean;
};

/**
 * Rejects a request with 429 `too_many_concurrent_requests` while `max` requests of its subject are unfinished. A response
 * that the client does not read is unfinished, so a subject that reads nothing holds the memory of `max` responses at most.
 * Mount it after `requireAccessToken`.
 */
export function limitConcurrentRequests({
  max = MAX_CONCURRENT_REQUESTS,
  unit = 'requests',
  counts = () => true,
}: Partial<ConcurrencyLimit> = {}): Middleware<Authorized> {
  const unfinished = new Map<string, number>();
  const detail = `Too many concurrent ${unit.replace('_', ' ')}. The limit is ${max}. Read the responses, then retry.`;

  return function limitConcurrentRequests(ctx, next) {
    if (!counts(ctx)) return next();
    const key = rateLimitKey(ctx.state.accessToken);
    const before = unfinished.get(key) ?? 0;
    if (before >= max)
      throw new HttpError('too_many_concurrent_requests', detail, {
        members: { limit: max, unit },
        headers: { 'retry-after': '1' },
      });
    // after the event the request would be counted for ever
    if (ctx.res.closed) return next();
    unfinished.set(key, before + 1);
    ctx.res.once('close', () => {
      const now = (unfinished.get(key) ?? 0) - 1;
      if (now > 0) unfinished.set(key, now);
      else unfinished.delete(key);
    });
    return next();
  };
}

/**
 * Limits the requests of a subject whose bodies are large, or of unknown length. A body is in memory before it is complete,
 * so a subject that ends none of its bodies holds the memory of this many.
 */
export function limitLargeBodies(): Middleware<Authorized> {
  return limitConcurrentRequests({ max: MAX_LARGE_BODIES, unit: 'large_bodies', counts: hasLargeBody });
}

function hasLargeBody({ req, request }: ParameterizedContext): boolean {
  return req.headers['transfer-encoding'] !== undefined || (request.length ?? 0) > LARGE_BODY_BYTES;
}
