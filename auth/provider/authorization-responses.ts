import type { Context, Middleware } from 'koa';
import { isLoopbackHost } from '../clients/redirect-uri.ts';
import { isAuthorizationPath, type RenderAuthorizationProblem } from './authorization-requests.ts';
import { ROUTES } from './routes.ts';

/**
 * Guards the responses of the authorization endpoint (RFC 6749 §4.1.2):
 * - Anyone may register a redirect URI. So an error is shown here instead of sent on before the person has decided, unless the
 *   client was registered by an administrator or is on this computer: otherwise a link to auth would lead to any site (RFC
 *   9700 §4.11.2). Only the response mode `query` exists, which this sees.
 * - Cookies know no port. When the browser goes on to another server on the host of auth, that server gets the session
 *   cookie too, so the session ends there.
 */
export function guardAuthorizationResponses({
  issuer,
  render,
  sessionCookie,
}: {
  issuer: string;
  render: RenderAuthorizationProblem;
  sessionCookie: string;
}): Middleware {
  const { hostname, origin } = new URL(issuer);

  return async function guardAuthorizationResponses(ctx, next) {
    await next();
    if (!isAuthorizationPath(ctx.path)) return;
    const isNewRequest = ctx.path === ROUTES.authorization;
    const location = ctx.response.get('location') || issuer;
    const target = URL.canParse(location, issuer) ? new URL(location, issuer) : undefined;
    if (ctx.status !== 303 || target === undefined || target.origin === origin) return;
    const client = ctx.oidc?.client;
    const isResumed = ctx.oidc?.entities.Interaction !== undefined;
    if ((isNewRequest || !isResumed) && client?.kind !== 'registered' && !isLoopbackHost(target.hostname)) {
      ctx.remove('location');
      render(
        ctx,
        {
          status: 400,
          error: target.searchParams.get('error') ?? 'invalid_request',
          error_description: target.searchParams.get('error_description') ?? '',
        },
        { name: client?.clientName ?? '', location },
      );
      return;
    }
    if (target.hostname === hostname) await endSession(ctx);
  };

  async function endSession(ctx: Context): Promise<void> {
    const session = ctx.oidc?.session;
    if (session === undefined) return;
    await session.destroy();
    for (const name of [sessionCookie, `${sessionCookie}.sig`])
      ctx.cookies.set(name, null, { signed: false, path: '/', httpOnly: true, overwrite: true });
  }
}
