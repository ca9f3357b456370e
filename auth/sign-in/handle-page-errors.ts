import type { Context, Middleware } from 'koa';
import type { Logger } from 'pino';
import { isDatabaseUnavailable } from '../../shared/database/database-unavailable.ts';
import { describeRequest, requestId } from '../../shared/http/request-id.ts';
import { PasswordsBusyError } from '../authenticators/password-hash.ts';
import { sendMessagePage } from '../pages/message-page.ts';
import { PageError } from '../pages/page-error.ts';
import { InteractionNotFoundError } from '../provider/interactions.ts';

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
      if (ctx.is('application/json')) ctx.body = { message: page.text };
      else sendMessagePage(ctx, { title: page.message, text: page.advice });
    }
  };
}

function toPageError(error: unknown, ctx: Context): PageError {
  if (error instanceof PageError) return error;
  if (error instanceof InteractionNotFoundError)
    return new PageError(
      400,
      'This page has expired, or was completed before',
      'Start again from your assistant. If it is connected already, you can close this page.',
      { cause: error },
    );
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
