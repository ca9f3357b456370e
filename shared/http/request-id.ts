import { randomBytes } from 'node:crypto';
import type { Context, Middleware } from 'koa';

/** The header that carries the request id from service to service. */
export const REQUEST_ID = 'x-request-id';

/** Assigns an id to each request, or keeps the id that it has, and returns it in the response. */
export const identifyRequest: Middleware = function identifyRequest(ctx, next) {
  ctx.res.setHeader(REQUEST_ID, sentId(ctx) ?? newId());
  return next();
};

/** The id that `identifyRequest` assigned. */
export function requestId(ctx: Pick<Context, 'response'>): string {
  return ctx.response.get(REQUEST_ID);
}

/** Describes a request for the log. The request id leads to the lines of the other services. */
export function describeRequest(ctx: Pick<Context, 'method' | 'path' | 'response'>): {
  readonly method: string;
  readonly path: string;
  readonly request_id: string;
} {
  return { method: ctx.method, path: ctx.path, request_id: requestId(ctx) };
}

/** Unique for each process. A counter follows it: an id must be unique, not unpredictable. */
const processId = randomBytes(9).toString('base64url');
let requests = 0;

function newId(): string {
  requests += 1;
  return `${processId}-${requests}`;
}

function sentId(ctx: Context): string | undefined {
  const sent = ctx.req.headers[REQUEST_ID];
  // the id is written to the log, so only these characters are accepted
  return typeof sent === 'string' && /^[A-Za-z0-9_-]{8,64}$/.test(sent) ? sent : undefined;
}
