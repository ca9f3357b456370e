import type { Context, Middleware } from 'koa';
import type { Logger } from 'pino';
import { isDatabaseUnavailable } from '../../shared/database/database-unavailable.ts';
import { describeRequest, requestId } from '../../shared/http/request-id.ts';
import { PasswordsBusyError } from '../authenticators/password-hash.ts';
import { sendMessagePage } from '../pages/message-page.ts';

/** A person cannot go on: the page says why, and what to do. */
export class PageError extends Error {
  override readonly name = 'PageError';
  readonly status: number;
  readonly advice: string;
  readonly retryAfterSeconds: number | undefined;

  constructor(
    status: number,
    title: string,
    advice: string,
    { retryAfterSeconds, cause }: { retryAfterSeconds?: number; cause?: unknown } = {},
  ) {
    super(title, { cause });
    this.status = status;
    this.advice = advice;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** The place where errors become pages, or JSON for a script of a page. */
export function handlePageErrors(logger: Logger): Middleware {
  return async function handlePageErrors(ctx, next) {
    try {
      await next();
      if (ctx.status === 404 && !ctx.body)
        throw new PageError(404, 'There is no page here', 'Check the address in the browser.');
      if (ctx.status === 405 || ctx.status === 501)
        throw new PageError(405, 'This page cannot be used in that way', `Allowed: ${ctx.response.get('allow')}.`);
    } catch (error) {
      const page = toPageError(error, ctx);
      if (page.status >= 500)
        logger.error({ event: 'request.failed', err: page.cause ?? error, ...describeRequest(ctx) }, page.message);
      ctx.status = page.status;
      ctx.set('cache-control', 'no-store');
      if (page.retryAfterSeconds !== undefined) ctx.set('retry-after', String(page.retryAfterSeconds));
      if (ctx.is('application/json')) ctx.body = { message: `${page.message}. ${page.advice}` };
      else sendMessagePage(ctx, { title: page.message, text: page.advice });
    }
  };
}

function toPageError(error: unknown, ctx: Context): PageError {
  if (error instanceof PageError) return error;
  if (error instanceof PasswordsBusyError)
    return new PageError(503, 'Too many sign-ins are being checked', 'Try again in a few seconds.', {
      retryAfterSeconds: 5,
      cause: error,
    });
  if (isDatabaseUnavailable(error))
    return new PageError(503, 'The database cannot be reached', 'Try again in a few seconds.', {
      retryAfterSeconds: 5,
      cause: error,
    });
  return new PageError(
    500,
    'Something went wrong',
    `Try again. If it stays, give your administrator this request id: ${requestId(ctx)}.`,
    { cause: error },
  );
}
