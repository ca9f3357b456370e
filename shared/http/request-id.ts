import { randomUUID } from 'node:crypto';
import type { Context, Middleware } from 'koa';

/** The header that carries a request's id from service to service. */
export const REQUEST_ID = 'x-request-id';

/** Gives each request an id, or keeps the one that it came with, and answers with it. */
export const identifyRequest: Middleware = function identifyRequest(ctx, next) {
  ctx.set(REQUEST_ID, sentId(ctx) ?? randomUUID());
  return next();
};

/** The id of a request that `identifyRequest` saw. */
export function requestId(ctx: Pick<Context, 'response'>): string {
  return ctx.response.get(REQUEST_ID);
}

function sentId(ctx: Context): string | undefined {
  // it is written to the log, so it is only taken as far as it looks like an id
  return /^[A-Za-z0-9_-]{8,64}$/.exec(ctx.get(REQUEST_ID))?.[0];
}
