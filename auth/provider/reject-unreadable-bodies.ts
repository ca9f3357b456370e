import type { Context, Middleware } from 'koa';
import { ROUTES } from './routes.ts';

const PATHS: ReadonlySet<string> = new Set([ROUTES.token, ROUTES.revocation, ROUTES.introspection]);

/** Bytes of a body that oidc-provider reads. */
const MAX_BODY_BYTES = 57_344;

/**
 * Rejects a body that oidc-provider would read wrongly, with the true cause. It ignores a content encoding such as gzip (RFC
 * 9110 §8.4), takes a body without a media type for an empty one, and does not name the size that it allows.
 */
export const rejectUnreadableBodies: Middleware = function rejectUnreadableBodies(ctx, next) {
  if (!PATHS.has(ctx.path) || ctx.method !== 'POST') return next();
  const problem = findProblem(ctx);
  if (problem === undefined) return next();
  const [status, error_description] = problem;
  ctx.status = status;
  ctx.set('cache-control', 'no-store');
  if (status === 413) ctx.set('connection', 'close');
  ctx.body = { error: 'invalid_request', error_description };
  return undefined;
};

function findProblem(ctx: Context): readonly [status: number, description: string] | undefined {
  const { 'content-encoding': encoding = '', 'content-type': type = '', 'content-length': length = '0' } = ctx.headers;
  if (encoding !== '' && encoding.toLowerCase() !== 'identity') {
    ctx.set('accept-encoding', 'identity');
    return [415, 'content-encoding: expected none'];
  }
  if (type === '' && (length !== '0' || ctx.headers['transfer-encoding'] !== undefined))
    return [400, 'content-type: expected application/x-www-form-urlencoded'];
  if (Number(length) > MAX_BODY_BYTES) return [413, `body: expected at most ${MAX_BODY_BYTES} bytes`];
  return undefined;
}
