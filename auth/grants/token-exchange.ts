import { LRUCache } from 'lru-cache';
import type { Client } from 'oidc-provider';
import * as z from 'zod';
import { ACCESS_TOKEN_TYPE, JWT_TYPE } from '../../shared/oauth-client/grant-types.ts';
import { type Actor, InvalidAccessTokenError } from '../../shared/resource-server/access-token-claims.ts';
import {
  type AccessToken,
  createAccessTokenVerifier,
  type IsRevoked,
  type IssuerKeys,
  type VerifyAccessToken,
} from '../../shared/resource-server/access-token-verifier.ts';
import type { StatusReference } from '../../shared/resource-server/status-list.ts';
import { InvalidRequestParameterError, UnauthorizedClientError } from '../oauth-error.ts';
import type { TokenRequestLimits } from '../request-limits/token-request-limits.ts';
import {
  allowedScopes,
  getRequestedResourceServer,
  grantScopes,
  type ResourceServers,
} from '../resource-servers/resource-servers.ts';

const OneOrMore = z.union([z.string(), z.array(z.string())]);

const Parameters = z.object({
  subject_token: z.string('the access token to exchange'),
  // an access token is a JWT as well, and Spring Security says so (RFC 8693 §3)
  subject_token_type: z.literal([ACCESS_TOKEN_TYPE, JWT_TYPE], ACCESS_TOKEN_TYPE),
  requested_token_type: z.literal(ACCESS_TOKEN_TYPE, ACCESS_TOKEN_TYPE).optional(),
  // the actor is the client that authenticated
  actor_token_type: z.never('none: the authenticated client is the actor').optional(),
  actor_token: z.never('none: the authenticated client is the actor').optional(),
  audience: OneOrMore.optional(),
  resource: OneOrMore.optional(),
  scope: z.string().optional(),
});

/** The parameters of a token exchange request (RFC 8693 §2.1), in addition to those of every token request. */
export const TOKEN_EXCHANGE_PARAMETERS: readonly string[] = Object.keys(Parameters.shape);

/** The parameters that a token exchange request may have several times. */
export const REPEATABLE_PARAMETERS: readonly string[] = [
  'resource',
  'audience',
] satisfies (keyof typeof Parameters.shape)[];

/** The access token that a token exchange issues. */
export type ExchangedToken = {
  /** The subject of the subject token. */
  readonly subject: string;
  readonly subjectTokenId: string;
  /** The resource identifier of the resource server that accepts the token. */
  readonly resource: string;
  readonly scope: string;
  /** Seconds since the epoch. The subject token does not expire earlier. */
  readonly expiresAt: number;
  /** Seconds. */
  readonly expiresIn: number;
  readonly claims: {
    readonly act: Actor;
    /** The status of the subject token: revoking either token revokes both. */
    readonly status: { readonly status_list: StatusReference };
  };
};

/**
 * Checks a token exchange request of an authenticated client (RFC 8693) and decides what it is issued. `client` is a
 * resource server that exchanges an access token for which it is the audience. The new token is for the next resource
 * server: it has the same subject, names the client as the actor, has no more scopes, and does not expire later.
 * @throws {OAuthError} if the request is rejected.
 * @throws {LeaseHolderNotFoundError} if the client was disabled or deleted after it authenticated.
 */
export type ExchangeToken = (client: Client, parameters: unknown) => Promise<ExchangedToken>;

/** Creates the token exchange grant (RFC 8693). */
export function createTokenExchange({
  issuer,
  resourceServers,
  keys,
  accessTokenTtl,
  isRevoked,
  countExchange,
  shareStatus,
}: {
  issuer: string;
  resourceServers: ResourceServers;
  keys: IssuerKeys;
  /** Seconds for which an access token is valid. */
  accessTokenTtl: number;
  isRevoked: IsRevoked;
  countExchange: TokenRequestLimits['countExchange'];
  /** Records that an access token of a client has the status of its subject token, so that revoking the client revokes it. */
  shareStatus: (clientId: string, status: StatusReference) => Promise<void>;
}): ExchangeToken {
  const verifiers = new LRUCache<string, VerifyAccessToken>({
    max: 100,
    memoMethod: (audience) => createAccessTokenVerifier({ issuer, audience, keys, isRevoked }),
  });

  return async function exchangeToken(client, parameters) {
    const audience = client.resource_server;
    if (typeof audience !== 'string') {
      throw new UnauthorizedClientError(
        'only a resource server may exchange access tokens, and only those issued for it',
      );
    }
    const { subject_token, resource, audience: requestedAudience, scope } = parseParameters(parameters);
    let subject: AccessToken;
    try {
      subject = await verifiers.memo(audience)(subject_token);
    } catch (cause) {
      if (!(cause instanceof InvalidAccessTokenError)) throw cause;
      throw new InvalidRequestParameterError(EXPECTED_SUBJECT_TOKEN, { cause });
    }
    if (countActors(subject.actor) >= MAX_ACTORS)
      throw new InvalidRequestParameterError(
        `subject_token: expected an access token with fewer than ${MAX_ACTORS} actors (act)`,
      );
    const target = getRequestedResourceServer(resourceServers, { resource, audience: requestedAudience }, client);
    const allowed = allowedScopes(client, target).filter((name) => subject.scopes.has(name));
    const scopes = grantScopes(scope, allowed, target.resource);

    const now = Math.floor(Date.now() / 1000);
    const expiresIn = Math.min(accessTokenTtl, subject.expiresAt - now);
    // the verifier's clock tolerance accepts a token that has just expired, and oidc-provider replaces 0 by its default
    if (expiresIn <= 0) throw new InvalidRequestParameterError(EXPECTED_SUBJECT_TOKEN);
    // after every check and before the database work
    countExchange(client.clientId, subject.subject);
    await shareStatus(client.clientId, subject.status);
    return {
      subject: subject.subject,
      subjectTokenId: subject.jti,
      resource: target.resource,
      scope: scopes.join(' '),
      // not read from the clock again: if a new second began, the token would expire later than its subject token
      expiresAt: now + expiresIn,
      expiresIn,
      claims: {
        act: { sub: client.clientId, ...(subject.actor && { act: subject.actor }) },
        status: { status_list: subject.status },
      },
    };
  };
}

/**
 * The most actors of an access token (RFC 8693 §4.1). Each exchange adds one, so two resource servers that name each other
 * could otherwise exchange a token until it no longer fits into a header.
 */
const MAX_ACTORS = 5;

function countActors(actor: Actor | undefined): number {
  return actor === undefined ? 0 : 1 + countActors(actor.act);
}

const EXPECTED_SUBJECT_TOKEN =
  'subject_token: expected an access token issued for this client, not expired and not revoked';

function parseParameters(parameters: unknown): z.infer<typeof Parameters> {
  const parsed = Parameters.safeParse(parameters);
  if (parsed.success) return parsed.data;
  throw new InvalidRequestParameterError(
    parsed.error.issues.map(({ path, message }) => `${path.join('.')}: expected ${message}`).join('; '),
  );
}
