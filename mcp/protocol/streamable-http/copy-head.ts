import type { Context } from 'koa';

/** Copies the status and the headers of a response. */
export function copyHead({ status, headers }: Response, ctx: Context): void {
  ctx.status = status;
  ctx.set(Object.fromEntries(headers));
}
