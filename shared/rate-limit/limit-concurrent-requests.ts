import type { Middleware } from 'koa';
import { HttpError } from '../http/http-error.ts';
import type { Authorized } from '../resource-server/koa.ts';
import { rateLimitKey } from './rate-limit-key.ts';

/** Unfinished requests of one subject in one process. */
const MAX_CONCURRENT_REQUESTS = 100;

/**
 * Rejects a request with 429 `too_many_concurrent_requests` while `max` requests of its subject are unfinished. A response
 * that the client does not read is unfinished, so a subject that reads nothing holds the memory of `max` responses at most.
 * Mount it after `requireAccessToken`.
 */
export function limitConcurrentRequests({ max = MAX_CONCURRENT_REQUESTS } = {}): Middleware<Authorized> {
  const unfinished = new Map<string, number>();
  const detail = `Too many concurrent requests. The limit is ${max}. Read the responses, then retry.`;

  return function limitConcurrentRequests(ctx, next) {
    const key = rateLimitKey(ctx.state.accessToken);
    const before = unfinished.get(key) ?? 0;
    if (before >= max)
      throw new HttpError('too_many_concurrent_requests', detail, {
        members: { limit: max },
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
