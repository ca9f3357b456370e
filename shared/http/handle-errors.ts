import type { Context, Middleware } from 'koa';
import type { Logger } from 'pino';
import { isDatabaseUnavailable } from '../database/database-unavailable.ts';
import { ChallengeError } from '../resource-server/challenge.ts';
import { AuthorizationServerUnavailableError } from '../resource-server/issuer.ts';
import { HttpError, ServiceUnavailableError } from './http-error.ts';

/** How a service writes a refusal: the media type and the body. */
export type RenderError = (error: HttpError) => { readonly type: string; readonly body: object };

/**
 * The one place where errors become responses. What was thrown as an `HttpError` reaches the caller; a database that is
 * away is a 503; anything else is a fault of ours, a 500 that says nothing. Both are logged with their cause.
 */
export function handleErrors({ logger, render }: { logger: Logger; render: RenderError }): Middleware {
  return async function handleErrors(ctx, next) {
    try {
      await next();
      if (ctx.body === undefined || ctx.body === null) refuseUnanswered(ctx);
    } catch (error) {
      const refusal = toHttpError(error);
      const request = { method: ctx.method, path: ctx.path };
      if (refusal.status >= 500) logger.error({ err: refusal.cause ?? error, ...request }, refusal.message);
      else if (refusal.cause !== undefined)
        logger.debug({ ...request, status: refusal.status, reason: reasonOf(refusal.cause) }, 'refused');
      const { type, body } = render(refusal);
      ctx.status = refusal.status;
      ctx.set({ ...refusal.headers });
      ctx.body = body;
      ctx.type = type;
    }
  };
}

/** An error as RFC 9457 problem details. Without a type of its own, its meaning is the status (§4.2.1). */
export const renderProblem: RenderError = (error) => ({
  type: 'application/problem+json',
  body: {
    type: 'about:blank',
    title: error.title,
    status: error.status,
    code: error.code,
    detail: error.message,
    ...(error.fields.length > 0 && { errors: error.fields }),
    ...error.members,
  },
});

function refuseUnanswered(ctx: Context): void {
  if (ctx.status === 404) throw new HttpError('not_found', `There is nothing at ${ctx.path}`);
  if (ctx.status === 405 || ctx.status === 501) {
    throw new HttpError(
      'method_not_allowed',
      `${ctx.method} is not allowed here. Allowed: ${ctx.response.get('allow') || 'none'}`,
    );
  }
}

function toHttpError(error: unknown): HttpError {
  if (error instanceof HttpError) return error;
  if (error instanceof ChallengeError) {
    const { code, message, headers, cause } = error;
    return new HttpError(code, message, { headers, cause });
  }
  if (error instanceof AuthorizationServerUnavailableError)
    return new ServiceUnavailableError('authorization_server_unavailable', error.message, { cause: error.cause });
  if (isDatabaseUnavailable(error))
    return new ServiceUnavailableError('database_unavailable', 'The database cannot be reached', { cause: error });
  return new HttpError('internal_error', 'The server has a fault. It is logged with the id of this request.', {
    cause: error,
  });
}

/** Why a request was refused, in a word of ours: a message may repeat what was sent. */
function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return 'unknown';
  return 'reason' in cause ? String(cause.reason) : cause.name;
}
