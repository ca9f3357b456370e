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
 * Verifies an access token. Returns at once when it was verified before, which saves a request a turn of the event loop.
 * @throws {InvalidAccessTokenError} when it is not accepted.
 */
export type VerifyAccessToken = (accessToken: string) => AccessToken | Promise<AccessToken>;

/** The public keys of an issuer. `generation` changes with the keys; cached results of an older generation are not used. */
export type IssuerKeys = { readonly find: JWTVerifyGetKey; readonly generation: () => number };

/**
 * Whether a token is revoked. Returns at once when its status list is cached, otherwise after fetching the list.
 * @throws {UnknownStatusListError} when the list is not one of the issuer's.
 * @throws {RangeError} when the index is not in the list.
 */
export type IsRevoked = (status: StatusReference) => boolean | Promise<boolean>;

/**
 * Creates a verifier of the JWT access tokens that `issuer` issues for `audience` (RFC 9068 §4). The status is checked
 * every time and last: no status is looked up for a token that is not valid in itself
 * (draft-ietf-oauth-status-list-21 §8.3). Up to `remember` verified tokens are cached, each until it expires or the
 * issuer's keys change. Rejected tokens are not cached, so a flood of invalid tokens evicts no valid one.
 *
 * The verifier throws `InvalidAccessTokenError`, and what `keys.find` and `isRevoked` throw when the issuer cannot be
 * reached.
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
    // the end of the signature is the cache key, because it is shorter to hash; the whole token is compared below
    const key = token.slice(-CACHE_KEY_LENGTH);
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
      ? rejectRevoked(accessToken, revoked)
      : revoked.then((known) => rejectRevoked(accessToken, known));
  };

  async function verifyUnknown(token: string, key: string, generation: number): Promise<AccessToken> {
    if (!isCanonical(token)) throw new InvalidAccessTokenError('invalid');
    const accessToken = await verifyForAudience(token);
    verified.set(key, { accessToken, generation });
    return rejectRevoked(accessToken, await isRevokedOrUnknown(accessToken));
  }

  async function verifyForAudience(token: string): Promise<AccessToken> {
    const claims = await verifyAccessTokenClaims(token, { issuer, findKey: keys.find, now });
    // exactly one audience, compared exactly: a token for the api must not be accepted by mcp (RFC 8707 §2)
    const [only, ...others] = [claims.aud].flat();
    if (only !== audience || others.length > 0) throw new InvalidAccessTokenError('wrong-audience');
    return new VerifiedAccessToken(token, claims);
  }

  function isRevokedOrUnknown({ status }: AccessToken): boolean | Promise<boolean> {
    try {
      const revoked = isRevoked(status);
      return typeof revoked === 'boolean' ? revoked : revoked.catch(rejectUnknown);
    } catch (error) {
      return rejectUnknown(error);
    }
  }
}

function rejectRevoked(accessToken: AccessToken, revoked: boolean): AccessToken {
  if (revoked) throw new InvalidAccessTokenError('revoked');
  return accessToken;
}

/** An index that is in none of the issuer's lists is rejected (draft-ietf-oauth-status-list-21 §8.3). */
function rejectUnknown(error: unknown): never {
  if (error instanceof RangeError || error instanceof UnknownStatusListError)
    throw new InvalidAccessTokenError('invalid', error);
  throw error;
}

/**
 * Whether a token is spelled as its issuer wrote it: three parts in base64url without padding and white space (RFC 7515
 * §7.1), and no other bits in the last character of the signature. A decoder accepts many spellings of one signature, and
 * each would take a place in the cache, so one token could evict all others. The signature covers the spelling of the other
 * two parts.
 */
function isCanonical(token: string): boolean {
  const signature = JWS.exec(token)?.[1];
  return signature !== undefined && Buffer.from(signature, 'base64url').toString('base64url') === signature;
}

const JWS = /^[\w-]+\.[\w-]+\.([\w-]+)$/;

/** The length of a cache key: 22 characters of a signature are 132 bits, enough to distinguish any two tokens. */
const CACHE_KEY_LENGTH = 22;

/** A verified access token. Its private member and unexported class prevent other code from creating one. */
class VerifiedAccessToken {
  readonly #scopes: ReadonlySet<string>;
  readonly subject: string;
  readonly clientId: string;
  readonly actor: Actor | undefined;
  readonly jti: string;
  /** Seconds since the epoch. */
  readonly expiresAt: number;
  readonly status: StatusReference;
  /** The token itself. It may be sent to the authorization server alone (RFC 8693), never to another resource. */
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
