import type { Context } from 'koa';
import { requestId } from '../../shared/http/request-id.ts';
import type { Authorized } from '../../shared/resource-server/koa.ts';
import type { RequestOrigin } from '../audit/audit.ts';

/** The origin of a request of an administrator. */
export function originOf(ctx: Context & { state: Authorized }): RequestOrigin {
  return { actor: ctx.state.accessToken.clientId, address: ctx.ip, requestId: requestId(ctx) };
}
