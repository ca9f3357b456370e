import type { Middleware } from 'koa';
import { pointsOfBody, pointsOfRejectedBody, REQUEST_POINTS } from '../../../shared/rate-limit/points.ts';
import type { RateLimit } from '../../../shared/rate-limit/rate-limit.ts';
import type { McpState } from './mcp-state.ts';

/**
 * Counts the requests that never reach the todo API, which counts the others for the same subject: initialize, lists, calls
 * that are rejected here. They are counted when their response is known. A subject without points, here or at the API, is
 * rejected before any work.
 */
export function countUnforwarded({
  requirePoints,
  charge,
}: Pick<RateLimit, 'requirePoints' | 'charge'>): Middleware<McpState> {
  return async function countUnforwarded(ctx, next) {
    requirePoints(ctx);
    try {
      await next();
    } finally {
      if (ctx.state.forwarded !== true) await charge(ctx, REQUEST_POINTS + pointsOfUnforwarded(ctx.state));
    }
  };
}

function pointsOfUnforwarded({ body, bodyBytes: bytes }: Partial<McpState>): number {
  // no body: it was rejected; a call that reaches no API: its tool or its arguments were rejected
  const rejected = body === undefined || body.method === 'tools/call';
  return rejected ? pointsOfRejectedBody(bytes) : pointsOfBody({ bytes });
}
