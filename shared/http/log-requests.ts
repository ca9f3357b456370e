import type { Middleware } from 'koa';
import type { Logger } from 'pino';
import type { AccessToken } from '../resource-server/access-token-verifier.ts';
import { requestId } from './request-id.ts';

/**
 * Writes a line for each request that carried a good access token: who called what for whom, with which token (`jti`,
 * never the token), and the request id that the line of the next service has too.
 */
export function logRequests(logger: Logger): Middleware<{ accessToken?: AccessToken }> {
  return function logRequests(ctx, next) {
    const start = performance.now();
    ctx.res.once('close', () => {
      const { accessToken } = ctx.state;
      if (accessToken === undefined || !logger.isLevelEnabled('info')) return;
      const { subject, clientId, actor, jti } = accessToken;
      const call = {
        method: ctx.method,
        path: ctx.path,
        // the caller hung up, or the answer broke off
        ...(ctx.res.writableFinished ? { status: ctx.status } : { aborted: true }),
        ms: Math.round(performance.now() - start),
      };
      logger.info(
        { ...call, sub: subject, client_id: clientId, act: actor, jti, request_id: requestId(ctx) },
        'request',
      );
    });
    return next();
  };
}
