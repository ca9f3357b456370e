import type { Context, Middleware } from 'koa';
import type { Logger } from 'pino';
import { isDatabaseBusy, isDatabaseUnavailable } from '../database/database-unavailable.ts';
import { ChallengeError } from '../resource-server/challenge.ts';
import { AuthorizationServerUnavailableError } from '../resource-server/issuer.ts';
import type { ProblemCode } from '../todo/problems.ts';
import { HttpError, ServiceUnavailableError } from './http-error.ts';
import { noteLimitOfProblem } from './limits-reached.ts';
import { describeRequest } from './request-id.ts';

/**
 * Writes the body of an error response, with its media type. `json` is what the body of the request contained, also when it
 * was rejected afterwards; undefined when no JSON was read.
 */
export type RenderError = (
  error: HttpError,
  request: { readonly json: unknown },
) => { readonly type: string; readonly body: object };

/**
 * The place where errors become responses in api, mcp, `/admin` and the status lists; auth/provider answers for the OAuth
 * endpoints. An `HttpError` or `ChallengeError` reaches the client with its status, code, headers and members. A database or
 * authorization server that cannot be reached gives 503. Every other error is a fault of this server: a 500 without
 * details. Faults and 503s are logged as errors with their cause. Other rejections are logged at debug with their code, also those
 * of 5xx that a subject causes itself.
 */
export function handleErrors({ logger, render }: { logger: Logger; render: RenderError }): Middleware {
  return async function handleErrors(ctx, next) {
    try {
      await next();
      if (ctx.body === undefined || ctx.body === null) rejectUnanswered(ctx);
    } catch (error) {
      const rejection = toHttpError(error);
      const request = describeRequest(ctx);
      noteLimitOfProblem(ctx, rejection.code);
      if (rejection.status >= 500 && !CAUSED_BY_SUBJECT.has(rejection.code))
        logger.error({ event: 'request.failed', err: rejection.cause ?? error, ...request }, rejection.message);
      else {
        const { status, code, cause } = rejection;
        logger.debug(
          { event: 'request.rejected', ...request, status, code, reason: reasonOf(cause) },
          'request rejected',
        );
      }
      const { type, body } = render(rejection, { json: ctx.state.json });
      ctx.status = rejection.status;
      ctx.set({ ...rejection.headers });
      ctx.body = body;
      ctx.type = type;
    }
  };
}

/** The codes of responses with a status from 500 on when the server has no fault: the subject has reached a limit. */
const CAUSED_BY_SUBJECT: ReadonlySet<string> = new Set<ProblemCode>(['quota_exceeded', 'too_many_concurrent_writes']);

/** Writes an error as problem details (RFC 9457). `type` stays `about:blank` (§4.2.1): programs decide by `code`. */
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

function rejectUnanswered(ctx: Context): void {
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
  if (error instanceof AuthorizationServerUnavailableError) {
    const { message, retryAfter, cause } = error;
    return new ServiceUnavailableError('authorization_server_unavailable', message, { retryAfter, cause });
  }
  if (isDatabaseUnavailable(error)) {
    const detail = isDatabaseBusy(error)
      ? 'Too many requests are waiting for the database'
      : 'The database cannot be reached';
    return new ServiceUnavailableError('database_unavailable', detail, { cause: error });
  }
  return new HttpError('internal_error', 'The server has a fault. It is logged with the id of this request.', {
    cause: error,
  });
}

/** A fixed word for the log. A message could repeat what the client sent. */
function reasonOf(cause: unknown): string | undefined {
  if (!(cause instanceof Error)) return undefined;
  if (!('reason' in cause)) return cause.name;
  const reason = String(cause.reason);
  // the error of jose behind it has a fixed code, such as ERR_JWS_SIGNATURE_VERIFICATION_FAILED, and the name of the claim
  const { code, claim, name } = Object(cause.cause);
  const detail = [code ?? name, claim].filter((word) => typeof word === 'string' && word !== 'unspecified');
  return reason === 'invalid' && detail.length > 0 ? `${reason}: ${detail.join(' ')}` : reason;
}
