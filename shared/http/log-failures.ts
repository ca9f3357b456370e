import type { Context } from 'koa';
import type { Logger } from 'pino';
import { describeRequest } from './request-id.ts';

/**
 * The codes of errors that a client causes: it closes the connection, sends something that is not HTTP (HPE_), or sends
 * its request too slowly.
 */
const CLIENT_ERROR =
  /^(ECONNRESET|ECONNABORTED|EPIPE|ERR_STREAM_PREMATURE_CLOSE|ERR_STREAM_DESTROYED|ERR_HTTP_REQUEST_TIMEOUT|HPE_\w+)$/;

/**
 * Creates the listener for an app's `error` events: errors after the response began, or outside `handleErrors`. A client
 * that disconnects is logged at debug. Without a listener Koa would write a stack trace to stderr, past the log.
 */
export function logFailures(logger: Logger): (error: Error, ctx?: Context) => void {
  return function logFailure(err, ctx) {
    const request = ctx && describeRequest(ctx);
    if (isClientError(err)) logger.debug({ event: 'connection.failed', err, ...request }, 'connection failed');
    else logger.error({ event: 'response.failed', err, ...request }, 'response failed before its end');
  };
}

function isClientError(error: Error): boolean {
  if ('status' in error && typeof error.status === 'number') return error.status < 500;
  return 'code' in error && CLIENT_ERROR.test(String(error.code));
}
