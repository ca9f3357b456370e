import Provider from 'oidc-provider';
import { requestId } from '../../shared/http/request-id.ts';

/** The id of the request that auth handles at the moment, for a log line of code that does not get the request itself. */
export function findCurrentRequestId(): string | undefined {
  const { ctx } = Provider;
  return ctx && requestId(ctx);
}
