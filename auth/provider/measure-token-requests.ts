import type { Context, Middleware } from 'koa';
import { Histogram, type Registry } from 'prom-client';
import {
  AUTHORIZATION_CODE,
  CLIENT_CREDENTIALS,
  REFRESH_TOKEN,
  TOKEN_EXCHANGE,
} from '../../shared/oauth-client/grant-types.ts';
import { ROUTES } from './routes.ts';

/** The grant types by their names in the metrics. */
const GRANTS: ReadonlyMap<unknown, string> = new Map([
  [AUTHORIZATION_CODE, AUTHORIZATION_CODE],
  [CLIENT_CREDENTIALS, CLIENT_CREDENTIALS],
  [REFRESH_TOKEN, REFRESH_TOKEN],
  [TOKEN_EXCHANGE, 'token_exchange'],
]);

/** The error codes (RFC 6749 §5.2, RFC 8707 §2) that are labels. */
const ERRORS: ReadonlySet<unknown> = new Set([
  'invalid_client',
  'invalid_grant',
  'invalid_request',
  'invalid_scope',
  'invalid_target',
  'server_error',
  'temporarily_unavailable',
  'unauthorized_client',
  'unsupported_grant_type',
]);

/**
 * Creates middleware that measures the requests at the token endpoint, by the grant and by the error code. A grant type or an
 * error that is not known is `other`, so that a client cannot add labels.
 */
export function measureTokenRequests(registry: Registry): Middleware {
  const duration = new Histogram({
    name: 'oauth_token_request_duration_seconds',
    help: 'Time from the headers of a token request to the end of its response, by grant type and error code',
    labelNames: ['grant_type', 'error'],
    buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5],
    registers: [registry],
  });

  return function measureTokenRequests(ctx, next) {
    if (ctx.path !== ROUTES.token || ctx.method !== 'POST') return next();
    const start = performance.now();
    ctx.res.once('finish', () => {
      duration.observe({ grant_type: grantOf(ctx), error: errorOf(ctx) }, (performance.now() - start) / 1000);
    });
    return next();
  };
}

function grantOf({ oidc }: Context): string {
  return GRANTS.get(oidc?.params?.grant_type) ?? 'other';
}

/** The error code of the response; `none` when an access token was issued. */
function errorOf({ status, body }: Context): string {
  if (status < 400) return 'none';
  const { error } = Object(body);
  return ERRORS.has(error) ? error : 'other';
}
