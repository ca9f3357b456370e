import type { Context, Middleware } from 'koa';
import Provider, { type Client, errors, type KoaContextWithOIDC } from 'oidc-provider';
import type {
  Credential,
  FailedAuthenticationLimiter,
} from '../client-authentication/failed-authentication-limiter.ts';
import type { MayLookUpLimited } from '../client-authentication/limited-lookup.ts';
import { TooManyRequests } from './too-many-requests.ts';

/** The routes at which clients authenticate. At other routes oidc-provider finds a client without authenticating it. */
const AUTHENTICATED_ROUTES: ReadonlySet<string> = new Set(['token', 'revocation', 'introspection']);

/**
 * Limits failed client authentication (RFC 6749 §2.3.1), which oidc-provider does not limit. While a client id or an
 * address is limited, a wrong secret and an unknown client get 429 instead of 401. A correct secret is accepted all the
 * same, so that guesses at a well-known client id do not shut that client out; a client that is not in the cache only
 * within `mayLookUpLimited`. This is safe because every secret has at
 * least 256 bits: one more guess is worth nothing, and comparing it costs one SHA-256. A client assertion is rejected
 * without being verified, because verifying a signature is what the limit shall prevent.
 * @returns middleware that notes successful authentication at the revocation and introspection endpoints, for which
 *   oidc-provider has no event.
 */
export function applyClientAuthenticationRateLimit(
  provider: Provider,
  { findWaitMs, recordFailure, recordSuccess }: FailedAuthenticationLimiter,
  mayLookUpLimited: MayLookUpLimited,
): Middleware {
  const { Client } = provider;
  const find = Client.find;
  const compare = Client.prototype.compareClientSecret;
  const limited = new WeakMap<object, TooManyRequests>();

  Client.find = function findUnlessLimited(given: unknown) {
    const clientId = typeof given === 'string' ? given : '';
    const { ctx } = Provider;
    if (ctx === undefined || !AUTHENTICATED_ROUTES.has(ctx.oidc.route) || findClaimedClientId(ctx) !== undefined)
      return find.call(Client, clientId);
    // ctx.ip ignores X-Forwarded-For unless a trusted proxy sent it
    const waiting = findWaitMs({ identifier: clientId, credential: findCredential(ctx), address: ctx.ip });
    if (waiting !== undefined) return waiting.then((waitMs) => findWithin(ctx, clientId, waitMs));
    ctx.state.claimedClientId = clientId;
    return find.call(Client, clientId);
  };

  Client.prototype.compareClientSecret = function compareUnlessLimited(this: Client, presented: string) {
    const matches = compare.call(this, presented);
    const error = Provider.ctx && limited.get(Provider.ctx);
    return error === undefined ? matches : requireMatch(matches, error);
  };

  provider.on('grant.error', countFailure);
  provider.on('revocation.error', countFailure);
  provider.on('introspection.error', countFailure);
  provider.on('grant.success', noteSuccess);

  return async function noteAuthentication(ctx, next) {
    await next();
    if (ctx.status < 400) noteSuccess(ctx);
  };

  async function findWithin(
    ctx: KoaContextWithOIDC,
    clientId: string,
    waitMs: number | undefined,
  ): Promise<Client | undefined> {
    if (waitMs === undefined) {
      ctx.state.claimedClientId = clientId;
      return find.call(Client, clientId);
    }
    const error = new TooManyRequests(
      'client authentication failed too often from this address: check the client credentials',
      waitMs,
      'client_authentication',
    );
    if (findCredential(ctx) !== 'secret' || !mayLookUpLimited({ clientId, address: ctx.ip })) throw error;
    const client = await find.call(Client, clientId);
    if (client === undefined || client.clientAuthMethod === 'private_key_jwt') throw error;
    limited.set(ctx, error);
    ctx.state.claimedClientId = clientId;
    return client;
  }

  function countFailure(ctx: KoaContextWithOIDC, error: Error): void {
    const clientId = findClaimedClientId(ctx);
    if (clientId === undefined || !(error instanceof errors.InvalidClientAuth)) return;
    void recordFailure({ identifier: clientId, credential: findCredential(ctx), address: ctx.ip });
  }

  function noteSuccess(ctx: Context): void {
    const clientId = findClaimedClientId(ctx);
    if (clientId !== undefined) recordSuccess({ identifier: clientId, address: ctx.ip });
  }
}

/** The client id that a request authenticates with, whether or not it proves to be that client. */
export function findClaimedClientId(ctx: Pick<Context, 'state'>): string | undefined {
  return ctx.state.claimedClientId;
}

async function requireMatch(matches: boolean | Promise<boolean>, error: TooManyRequests): Promise<true> {
  if (await matches) return true;
  throw error;
}

/** What a request presents, by the rules of oidc-provider. */
function findCredential({ headers, oidc }: KoaContextWithOIDC): Credential {
  if (headers.authorization !== undefined || oidc.params?.client_secret) return 'secret';
  return oidc.params?.client_assertion === undefined ? 'none' : 'assertion';
}
