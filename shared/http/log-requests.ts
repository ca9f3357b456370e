import type { Middleware } from 'koa';
import type { Logger } from 'pino';
import type { AccessToken } from '../resource-server/access-token-verifier.ts';
import { requestId } from './request-id.ts';

/**
 * Logs each request that has a valid access token: client, subject, actor, method, path, the token's `jti` (never the token)
 * and the request id, which the next service logs too.
 */
export function logRequests(logger: Logger): Middleware<{ accessToken?: AccessToken; traceId?: string }> {
  return function logRequests(ctx, next) {
    const start = performance.now();
    ctx.res.once('close', () => {
      const { accessToken } = ctx.state;
      if (accessToken === undefined || !logger.isLevelEnabled('info')) return;
      const { subject, clientId, actor, jti } = accessToken;
      const call = {
        method: ctx.method,
        path: ctx.path,
        // the client disconnected, or the response failed
        ...(ctx.res.writableFinished ? { status: ctx.status } : { aborted: true }),
        ms: Math.round(performance.now() - start),
      };
      logger.info(
        {
          event: 'request.completed',
          ...call,
          sub: subject,
          client_id: clientId,
          act: actor,
          jti,
          request_id: requestId(ctx),
          // the listener runs outside the context of the request
          trace_id: ctx.state.traceId,
        },
        'request',
      );
    });
    return next();
  };
}
