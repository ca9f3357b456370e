import { errors, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import * as z from 'zod';

/** Verifies an access token. @throws {InvalidAccessToken} when it is not to be accepted. */
export type VerifyAccessToken = (accessToken: string) => Promise<AccessToken>;

/** The public keys of an issuer. `generation` moves when they change: what was verified before is then verified anew. */
export type IssuerKeys = { readonly find: JWTVerifyGetKey; readonly generation: () => number };

/** Seconds that the clocks of the issuer and of this machine may differ. */
const CLOCK_TOLERANCE = 5;

const ALGORITHMS = ['ES256', 'EdDSA', 'Ed25519', 'RS256', 'PS256'];

/**
 * Creates a verifier of the JWT access tokens that `issuer` issues for `audience` (RFC 9068 §4). A token that was
 * verified is remembered, up to `remember` of them, until it expires or the issuer's keys change; one that was
 * refused is not, so that a flood of bad tokens pushes no good one out.
 * The verifier throws `InvalidAccessToken`, and whatever `keys.find` throws when the keys are out of reach.
 */
export function createAccessTokenVerifier({
  issuer,
  audience,
  keys,
  remember = 10_000,
  now = Date.now,
}: {
  issuer: string;
  audience: string;
  keys: IssuerKeys;
  remember?: number;
  now?: () => number;
}): VerifyAccessToken {
  const verified = new LRUCache<string, { accessToken: AccessToken; generation: number }>({ max: remember });

  return async function verifyAccessToken(token) {
    const generation = keys.generation();
    const known = verified.get(token);
    if (known !== undefined && known.generation === generation) {
      if (now() < (known.accessToken.expiresAt + CLOCK_TOLERANCE) * 1000) return known.accessToken;
      verified.delete(token);
      throw new InvalidAccessToken('expired');
    }
    const accessToken = new VerifiedAccessToken(token, await verifyClaims(token));
    verified.set(token, { accessToken, generation });
    return accessToken;
  };

  async function verifyClaims(token: string): Promise<AccessTokenClaims> {
    try {
      const { payload } = await jwtVerify(token, keys.find, {
        issuer,
        typ: 'at+jwt',
        algorithms: ALGORITHMS,
        clockTolerance: CLOCK_TOLERANCE,
        currentDate: new Date(now()),
      });
      const claims = AccessTokenClaims.safeParse(payload);
      if (!claims.success) throw new InvalidAccessToken('invalid', claims.error);
      // compared exactly, and alone: a token for the api must not open mcp (RFC 8707 §2)
      const [only, ...others] = [claims.data.aud].flat();
      if (only !== audience || others.length > 0) throw new InvalidAccessToken('wrong-audience');
      return claims.data;
    } catch (error) {
      if (error instanceof errors.JWTExpired) throw new InvalidAccessToken('expired', error);
      if (error instanceof errors.JOSEError) throw new InvalidAccessToken('invalid', error);
      throw error;
    }
  }
}

/**
 * Why an access token is not accepted. Only what the holder of a token with a good signature may know is told apart:
 * that it expired, or that it is for another resource. Everything else is `invalid`.
 */
export class InvalidAccessToken extends Error {
  override readonly name = 'InvalidAccessToken';
  readonly reason: 'expired' | 'wrong-audience' | 'invalid';

  constructor(reason: InvalidAccessToken['reason'], cause?: unknown) {
    super(`The access token is ${reason}`, { cause });
    this.reason = reason;
  }
}

/** The party that acts for the subject, and those that acted before it (RFC 8693 §4.1). */
export type Actor = { readonly sub: string; readonly act?: Actor | undefined };

const Actor: z.ZodType<Actor> = z.lazy(() => z.object({ sub: z.string().min(1), act: Actor.optional() }));

/** The claims that every access token of ours carries (RFC 9068 §2.2). */
const AccessTokenClaims = z.object({
  sub: z.string().min(1),
  aud: z.union([z.string(), z.array(z.string())]),
  client_id: z.string().min(1),
  iat: z.number(),
  exp: z.number(),
  jti: z.string().min(1),
  scope: z.string().default(''),
  act: Actor.optional(),
  // nothing here checks a proof of possession, so a token that is bound to a key is refused (RFC 7800 §3)
  cnf: z.never().optional(),
});
type AccessTokenClaims = z.infer<typeof AccessTokenClaims>;

/** An access token that was verified: its private member and its hidden constructor keep all else from passing for one. */
class VerifiedAccessToken {
  readonly #scopes: ReadonlySet<string>;
  readonly subject: string;
  readonly clientId: string;
  readonly actor: Actor | undefined;
  readonly jti: string;
  /** Seconds since the epoch. */
  readonly expiresAt: number;
  /** The token as it was presented: for the authorization server's eyes only (RFC 8693), never for another resource. */
  readonly value: string;

  constructor(value: string, { sub, client_id, act, scope, jti, exp }: AccessTokenClaims) {
    this.value = value;
    this.subject = sub;
    this.clientId = client_id;
    this.actor = act;
    this.#scopes = new Set(scope.split(' ').filter(Boolean));
    this.jti = jti;
    this.expiresAt = exp;
  }

  /** The granted scopes. */
  get scopes(): ReadonlySet<string> {
    return this.#scopes;
  }
}
export type AccessToken = VerifiedAccessToken;
