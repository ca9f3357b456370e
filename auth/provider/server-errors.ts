import type Provider from 'oidc-provider';
import type { Logger } from 'pino';
import { isDatabaseBusy, isDatabaseUnavailable } from '../../shared/database/database-unavailable.ts';
import { describeRequest } from '../../shared/http/request-id.ts';

/**
 * Logs each error that oidc-provider answers with 500 `server_error`. If the cause is an unavailable database, the client
 * gets 503 and `Retry-After` instead.
 */
export function applyServerErrors(provider: Provider, logger: Logger): void {
  // Koa would also write each connection that a client resets to stderr
  provider.silent = true;

  provider.on('server_error', (ctx, err) => {
    logger.error({ event: 'request.failed', err, ...describeRequest(ctx) }, 'request failed');
    if (!isDatabaseUnavailable(err)) return;
    // oidc-provider emits the event after it has written the response into ctx, and before the response is sent
    ctx.status = 503;
    ctx.set('retry-after', '1');
    ctx.body = {
      error: 'temporarily_unavailable',
      error_description: isDatabaseBusy(err)
        ? 'too many requests are waiting for the database'
        : 'the database cannot be reached',
    };
  });
}
