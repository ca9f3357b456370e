import Router, { type RouterContext } from '@koa/router';
import type { CorsNames, CorsOrigins } from '../../shared/http/cors.ts';
import type { RenderError } from '../../shared/http/handle-errors.ts';
import { HttpError } from '../../shared/http/http-error.ts';
import { parseBody } from '../../shared/http/parse-body.ts';
import { requestId } from '../../shared/http/request-id.ts';
import { createNetworkLimit } from '../request-limits/network-limit.ts';
import type { RegisterClient } from './registration.ts';
import { RegistrationRequest } from './registration-request.ts';

/** The path of the registration endpoint. */
export const REGISTRATION_PATH = '/oauth/register';

/** Bytes of a registration request. */
const MAX_BODY_BYTES = 16_000;

/** New clients of one network within an hour. */
const REGISTRATIONS = { points: 20, seconds: 3_600 };

/** An assistant that runs in a browser registers from its own origin. */
export const REGISTRATION_CORS = {
  origins: '*',
  methods: ['POST'],
  requestHeaders: ['Content-Type', 'MCP-Protocol-Version'],
  responseHeaders: ['Retry-After', 'X-Request-Id'],
} satisfies CorsNames & { origins: CorsOrigins };

/** Writes an error of the registration endpoint in the form of RFC 7591 §3.2.2. */
export const renderRegistrationError: RenderError = (error) => ({
  type: 'application/json',
  body: {
    error: registrationErrorOf(error),
    error_description: error.message,
  },
});

function registrationErrorOf({ code, status, fields }: HttpError): string {
  if (status === 429 || status >= 500) return 'temporarily_unavailable';
  if (code === 'invalid_request' && fields.some(({ field }) => field.startsWith('redirect_uris')))
    return 'invalid_redirect_uri';
  return 'invalid_client_metadata';
}

/** Creates the registration endpoint (RFC 7591 §3). */
export function registrationRoutes(registerClient: RegisterClient): Router {
  const router = new Router();
  const countNew = createNetworkLimit(REGISTRATIONS);
  router.post<{ body: RegistrationRequest }>(
    REGISTRATION_PATH,
    parseBody(RegistrationRequest, { limit: MAX_BODY_BYTES }),
    register,
  );
  return router;

  async function register(ctx: RouterContext<{ body: RegistrationRequest }>): Promise<void> {
    const origin = { actor: null, address: ctx.ip, requestId: requestId(ctx) };
    ctx.set('cache-control', 'no-store');
    ctx.body = await registerClient(ctx.state.body, origin, () => requireQuota(ctx.ip));
    ctx.status = 201;
  }

  function requireQuota(address: string): void {
    const seconds = countNew(address);
    if (seconds === undefined) return;
    throw new HttpError('too_many_registrations', `There were too many registrations. Retry in ${seconds} s.`, {
      headers: { 'retry-after': String(seconds) },
      members: { limit: REGISTRATIONS.points, window_seconds: REGISTRATIONS.seconds },
    });
  }
}
