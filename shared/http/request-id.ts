import { randomBytes } from 'node:crypto';
import type { Context, Middleware } from 'koa';

/** The header that carries a request's id from service to service. */
export const REQUEST_ID = 'x-request-id';

/** Gives each request an id, or keeps the one that it came with, and answers with it. */
export const identifyRequest: Middleware = function identifyRequest(ctx, next) {
  ctx.res.setHeader(REQUEST_ID, sentId(ctx) ?? newId());
  return next();
};

/** The id of a request that `identifyRequest` saw. */
export function requestId(ctx: Pick<Context, 'response'>): string {
  return ctx.response.get(REQUEST_ID);
}

/** Unlike any other process's, and then counted: an id has to be found again, not to be hard to guess. */
const process = randomBytes(9).toString('base64url');
let requests = 0;

function newId(): string {
  requests += 1;
  return `${process}-${requests}`;
}

function sentId(ctx: Context): string | undefined {
  const sent = ctx.req.headers[REQUEST_ID];
  // it is written to the log, so it is only taken as far as it looks like an id
  return typeof sent === 'string' && /^[A-Za-z0-9_-]{8,64}$/.test(sent) ? sent : undefined;
}
