import type { Context } from 'koa';
import type { Logger } from 'pino';
import { HttpError } from './http-error.ts';

/** What becomes of a connection whose other end is gone. */
const CONNECTION_LOST: ReadonlySet<unknown> = new Set([
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ERR_STREAM_PREMATURE_CLOSE',
]);

/**
 * Creates the listener of an app's `error` events: what went wrong where no answer could tell of it any more, or outside
 * of what turns errors into answers. A caller who hangs up is nobody's fault; without a listener Koa would write a stack
 * trace past the log.
 */
export function logFailures(logger: Logger): (error: Error, ctx?: Context) => void {
  return function logFailure(err, ctx) {
    const request = ctx && { method: ctx.method, path: ctx.path };
    if (isCallersFault(err)) logger.debug({ err, ...request }, 'a connection failed');
    else logger.error({ err, ...request }, 'a request could not be answered to its end');
  };
}

function isCallersFault(error: Error): boolean {
  if (error instanceof HttpError) return error.status < 500;
  return ('expose' in error && error.expose === true) || ('code' in error && CONNECTION_LOST.has(error.code));
}
