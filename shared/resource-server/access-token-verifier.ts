import type { JWTVerifyGetKey } from 'jose';
import { LRUCache } from 'lru-cache';
import {
  type AccessTokenClaims,
  type Actor,
  CLOCK_TOLERANCE_SECONDS,
  InvalidAccessTokenError,
  verifyAccessTokenClaims,
} from './access-token-claims.ts';
import { type StatusReference, UnknownStatusListError } from './status-list.ts';

/**
 * Verifies an access token: at once when it was verified before, which spares a request a turn of the event loop.
 * @throws {InvalidAccessTokenError} when it is not to be accepted.
 */
export type VerifyAccessToken = (accessToken: string) => AccessToken | Promise<AccessToken>;

/** The public keys of an issuer. `generation` moves when they change: what was verified before is then verified anew. */
export type IssuerKeys = { readonly find: JWTVerifyGetKey; readonly generation: () => number };

/**
 * Whether a token is revoked: at once where its status list was read, and otherwise when it has been.
 * @throws {UnknownStatusListError} when it is none of the issuer's. @throws {RangeError} when the index is not in the list.
 */
export type IsRevoked = (status: StatusReference) => boolean | Promise<boolean>;

/**
 * Creates a verifier of the JWT access tokens that `issuer` issues for `audience` (RFC 9068 §4). Whether one is revoked
 * is asked each time, last of all: nothing is looked up for a token that is not good in itself
 * (draft-ietf-oauth-status-list-21 §8.3). A token whose signature was verified is remembered, up to `remember` of them,
 * until it expires or the issuer's keys change; one that was refused is not, so that a flood of bad tokens pushes no
 * good one out.
 * The verifier throws `InvalidAccessTokenError`, and whatever `keys.find` and `isRevoked` throw when the issuer is out of reach.
 */
export function createAccessTokenVerifier({
  issuer,
  audience,
  keys,
  isRevoked,
  remember = 10_000,
  now = Date.now,
}: {
  issuer: string;
  audience: string;
  keys: IssuerKeys;
  isRevoked: IsRevoked;
  remember?: number;
  now?: () => number;
}): VerifyAccessToken {
  const verified = new LRUCache<string, { accessToken: AccessToken; generation: number }>({ max: remember });

  return function verifyAccessToken(token) {
    // by the end of its signature, which is shorter to hash; that it is the same token is compared
    const key = token.slice(-KEY_LENGTH);
    const generation = keys.generation();
    const known = verified.get(key);
    if (known === undefined || known.generation !== generation || known.accessToken.value !== token)
      return verifyUnknown(token, key, generation);
    const { accessToken } = known;
    if (now() >= (accessToken.expiresAt + CLOCK_TOLERANCE_SECONDS) * 1000) {
      verified.delete(key);
      throw new InvalidAccessTokenError('expired');
    }
    const revoked = isRevokedOrUnknown(accessToken);
    return typeof revoked === 'boolean'
      ? refuseRevoked(accessToken, revoked)
      : revoked.then((known) => refuseRevoked(accessToken, known));
  };

  async function verifyUnknown(token: string, key: string, generation: number): Promise<AccessToken> {
    const accessToken = await verifyForAudience(token);
    verified.set(key, { accessToken, generation });
    return refuseRevoked(accessToken, await isRevokedOrUnknown(accessToken));
  }

  async function verifyForAudience(token: string): Promise<AccessToken> {
    const claims = await verifyAccessTokenClaims(token, { issuer, findKey: keys.find, now });
    // compared exactly, and alone: a token for the api must not open mcp (RFC 8707 §2)
    const [only, ...others] = [claims.aud].flat();
    if (only !== audience || others.length > 0) throw new InvalidAccessTokenError('wrong-audience');
    return new VerifiedAccessToken(token, claims);
  }

  function isRevokedOrUnknown({ status }: AccessToken): boolean | Promise<boolean> {
    try {
      const revoked = isRevoked(status);
      return typeof revoked === 'boolean' ? revoked : revoked.catch(refuseUnknown);
    } catch (error) {
      return refuseUnknown(error);
    }
  }
}

function refuseRevoked(accessToken: AccessToken, revoked: boolean): AccessToken {
  if (revoked) throw new InvalidAccessTokenError('revoked');
  return accessToken;
}

/** A place that is in none of the issuer's lists is refused (draft-ietf-oauth-status-list-21 §8.3). */
function refuseUnknown(error: unknown): never {
  if (error instanceof RangeError || error instanceof UnknownStatusListError)
    throw new InvalidAccessTokenError('invalid', error);
  throw error;
}

/** Characters of a signature that tell any two tokens apart: 132 bits. */
const KEY_LENGTH = 22;

/** An access token that was verified: its private member and its hidden constructor keep all else from passing for one. */
class VerifiedAccessToken {
  readonly #scopes: ReadonlySet<string>;
  readonly subject: string;
  readonly clientId: string;
  readonly actor: Actor | undefined;
  readonly jti: string;
  /** Seconds since the epoch. */
  readonly expiresAt: number;
  readonly status: StatusReference;
  /** The token as it was presented: for the authorization server's eyes only (RFC 8693), never for another resource. */
  readonly value: string;

  constructor(value: string, { sub, client_id, act, scope, jti, exp, status }: AccessTokenClaims) {
    this.value = value;
    this.subject = sub;
    this.clientId = client_id;
    this.actor = act;
    this.#scopes = new Set(scope.split(' ').filter(Boolean));
    this.jti = jti;
    this.expiresAt = exp;
    this.status = status.status_list;
  }

  /** The granted scopes. */
  get scopes(): ReadonlySet<string> {
    return this.#scopes;
  }
}
export type AccessToken = VerifiedAccessToken;
