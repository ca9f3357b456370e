import type { Context } from 'koa';
import type { Logger } from 'pino';
import { HttpError } from './http-error.ts';

/** The errors of a connection that the client has closed. */
const CONNECTION_LOST: ReadonlySet<unknown> = new Set([
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ERR_STREAM_PREMATURE_CLOSE',
]);

/**
 * Creates the listener for an app's `error` events: errors after the response began, or outside `handleErrors`. A client
 * that disconnects is logged at debug. Without a listener Koa would write a stack trace to stderr, past the log.
 */
export function logFailures(logger: Logger): (error: Error, ctx?: Context) => void {
  return function logFailure(err, ctx) {
    const request = ctx && { method: ctx.method, path: ctx.path };
    if (isClientError(err)) logger.debug({ event: 'connection.failed', err, ...request }, 'connection failed');
    else logger.error({ event: 'response.failed', err, ...request }, 'response failed before its end');
  };
}

function isClientError(error: Error): boolean {
  if (error instanceof HttpError) return error.status < 500;
  return ('expose' in error && error.expose === true) || ('code' in error && CONNECTION_LOST.has(error.code));
}
