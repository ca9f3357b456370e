import type { JWTVerifyGetKey } from 'jose';
import { LRUCache } from 'lru-cache';
import type Provider from 'oidc-provider';
import {
  errors,
  type KoaContextWithOIDC,
  type ResourceServer as ResourceServerInfo,
  type TokenEndpointGrantContext,
} from 'oidc-provider';
import * as z from 'zod';
import { ACCESS_TOKEN_TYPE, TOKEN_EXCHANGE } from '../../shared/oauth-client/grant-types.ts';
import { type Actor, InvalidAccessTokenError } from '../../shared/resource-server/access-token-claims.ts';
import {
  type AccessToken,
  createAccessTokenVerifier,
  type IsRevoked,
  type VerifyAccessToken,
} from '../../shared/resource-server/access-token-verifier.ts';
import type { StatusReference } from '../../shared/resource-server/status-list.ts';
import {
  allowedScopes,
  getResourceServer,
  grantScopes,
  type ResourceServers,
} from '../resource-servers/resource-servers.ts';

const Parameters = z.object({
  subject_token: z.string('the access token to exchange'),
  subject_token_type: z.literal(ACCESS_TOKEN_TYPE, ACCESS_TOKEN_TYPE),
  requested_token_type: z.literal(ACCESS_TOKEN_TYPE, ACCESS_TOKEN_TYPE).optional(),
  // the actor is the client that authenticated, and a target is named by its resource identifier
  actor_token_type: z.never('none: the authenticated client is the actor').optional(),
  actor_token: z.never('none: the authenticated client is the actor').optional(),
  audience: z.never('none: name the target with resource').optional(),
  resource: z.string().optional(),
  scope: z.string().optional(),
});

/** What an exchanged token has from its subject token: with its status, revoking the one revokes the other. */
type DerivedClaims = { readonly act: Actor; readonly status: { readonly status_list: StatusReference } };

/** The claims for the token that a request exchanges, which the provider puts into it (`extraTokenClaims`). */
export function derivedClaims(ctx: KoaContextWithOIDC): DerivedClaims | undefined {
  return ctx.state.derivedClaims;
}

/**
 * Adds the token exchange grant (RFC 8693) to `provider`: a resource server hands in an access token that was made out
 * to it and gets one for the next resource, with the same subject, itself as the actor, no more scopes, and no longer
 * life.
 */
export function registerTokenExchange({
  provider,
  resourceServers,
  resourceServerInfo,
  findKey,
  accessTokenTtl,
  isRevoked,
  shareStatus,
}: {
  provider: Provider;
  resourceServers: ResourceServers;
  resourceServerInfo: (resource: string) => ResourceServerInfo;
  findKey: JWTVerifyGetKey;
  accessTokenTtl: number;
  isRevoked: IsRevoked;
  /** Notes that an access token of this client has that status too, so that it falls with either. */
  shareStatus: (clientId: string, status: StatusReference) => Promise<void>;
}): void {
  const verifiers = new LRUCache<string, VerifyAccessToken>({
    max: 100,
    memoMethod: (audience) =>
      createAccessTokenVerifier({
        issuer: provider.issuer,
        audience,
        keys: { find: findKey, generation: () => 0 },
        isRevoked,
      }),
  });

  provider.registerGrantType(TOKEN_EXCHANGE, exchangeToken, Object.keys(Parameters.shape));

  async function exchangeToken(ctx: TokenEndpointGrantContext): Promise<void> {
    const { client } = ctx.oidc;
    const audience = client.resource_server;
    if (typeof audience !== 'string') {
      throw new errors.UnauthorizedClient('only a resource server may exchange the access tokens made out to it');
    }
    const { subject_token, resource, scope } = parseParameters(ctx.oidc.params);
    const subject = await verifySubjectToken(subject_token, verifiers.memo(audience));
    const target = getResourceServer(resourceServers, resource ?? resourceServers[0].resource, client);
    const allowed = allowedScopes(client, target).filter((name) => subject.scopes.has(name));
    const scopes = grantScopes(scope, allowed, target.resource);

    const now = Math.floor(Date.now() / 1000);
    const expiresIn = Math.min(accessTokenTtl, subject.expiresAt - now);
    // the clock tolerance of the verifier lets one pass that has just ended, and the provider takes 0 for its default
    if (expiresIn <= 0) throw invalidSubjectToken();
    await shareStatus(client.clientId, subject.status);
    const issued = new provider.AccessToken({
      client,
      accountId: subject.subject,
      resourceServer: new provider.ResourceServer(target.resource, resourceServerInfo(target.resource)),
      scope: scopes.join(' '),
      // not from the clock again: by a second that begins meanwhile it would outlive its subject token
      exp: now + expiresIn,
      gty: TOKEN_EXCHANGE,
      grantId: subject.jti,
    });
    ctx.state.derivedClaims = {
      act: { sub: client.clientId, ...(subject.actor && { act: subject.actor }) },
      status: { status_list: subject.status },
    } satisfies DerivedClaims;
    ctx.oidc.entity('AccessToken', issued);
    ctx.body = {
      access_token: await issued.save(),
      issued_token_type: ACCESS_TOKEN_TYPE,
      token_type: 'Bearer',
      expires_in: expiresIn,
      scope: scopes.join(' '),
    };
  }
}

function parseParameters(params: unknown): z.infer<typeof Parameters> {
  const parsed = Parameters.safeParse(params);
  if (parsed.success) return parsed.data;
  throw new errors.InvalidRequest(
    parsed.error.issues.map(({ path, message }) => `${path.join('.')}: expected ${message}`).join('; '),
  );
}

async function verifySubjectToken(token: string, verify: VerifyAccessToken): Promise<AccessToken> {
  try {
    return await verify(token);
  } catch (cause) {
    if (!(cause instanceof InvalidAccessTokenError)) throw cause;
    throw invalidSubjectToken(cause);
  }
}

function invalidSubjectToken(cause?: unknown): Error {
  const expected = 'subject_token: expected an access token made out to this client, not expired and not revoked';
  return new errors.InvalidRequest(expected, undefined, { cause });
}
