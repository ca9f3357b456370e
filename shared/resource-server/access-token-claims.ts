import { errors, type JWTVerifyGetKey, jwtVerify } from 'jose';
import * as z from 'zod';
import { StatusClaim } from './status-list.ts';

/** The signature algorithms that are accepted. None is symmetric: a verifier could then also sign (RFC 8725 §3.1). */
export const SIGNATURE_ALGORITHMS = ['ES256', 'EdDSA', 'Ed25519', 'RS256', 'PS256'];

/** How far the clocks of the issuer and of this machine may differ. */
export const CLOCK_TOLERANCE_SECONDS = 5;

/** A signed JWT in compact form: three parts in base64url, without padding and white space (RFC 7515 §2, §7.1). */
export const COMPACT_JWS = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;

/** The party that acts for the subject, with the parties that acted before it (RFC 8693 §4.1). */
export type Actor = { readonly sub: string; readonly act?: Actor | undefined };

/** An id in a claim. A database can store it unchanged: it has no control characters, such as NUL, and no lone surrogates. */
const Identifier = z.string().regex(/^[^\p{Cc}\p{Cs}]{1,255}$/u);

const Actor: z.ZodType<Actor> = z.lazy(() => z.object({ sub: Identifier, act: Actor.optional() }));

/** The claims of every access token that yata issues (RFC 9068 §2.2, draft-ietf-oauth-status-list-21 §6.1). */
const AccessTokenClaims = z.object({
  iss: z.string(),
  sub: Identifier,
  aud: z.union([z.string(), z.array(z.string())]),
  client_id: Identifier,
  iat: z.number(),
  exp: z.number(),
  jti: Identifier,
  scope: z.string().default(''),
  act: Actor.optional(),
  status: StatusClaim,
  // nothing here checks a proof of possession, so a token that is bound to a key is rejected (RFC 7800 §3)
  cnf: z.never().optional(),
});
export type AccessTokenClaims = z.infer<typeof AccessTokenClaims>;

/**
 * Verifies the signature, issuer, type and expiry of an access token, but not its audience, and returns its claims.
 * @throws {InvalidAccessTokenError} and what `findKey` throws when the keys cannot be fetched.
 */
export async function verifyAccessTokenClaims(
  token: string,
  { issuer, findKey, now = Date.now }: { issuer: string; findKey: JWTVerifyGetKey; now?: () => number },
): Promise<AccessTokenClaims> {
  // jose also accepts padding and white space: one token would have any number of spellings, each with a place in caches
  if (!COMPACT_JWS.test(token)) throw new InvalidAccessTokenError('invalid');
  try {
    const { payload } = await jwtVerify(token, findKey, {
      issuer,
      typ: 'at+jwt',
      algorithms: SIGNATURE_ALGORITHMS,
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      currentDate: new Date(now()),
    });
    const claims = AccessTokenClaims.safeParse(payload);
    if (!claims.success) throw new InvalidAccessTokenError('invalid', claims.error);
    return claims.data;
  } catch (error) {
    if (error instanceof errors.JWTExpired) throw new InvalidAccessTokenError('expired', error);
    if (error instanceof errors.JOSEError) throw new InvalidAccessTokenError('invalid', error);
    throw error;
  }
}

/**
 * An access token is not accepted. Three reasons are named, because only the holder of a token with a valid signature can
 * cause them: it has expired, was revoked, or is for another resource. Every other reason is `invalid`.
 */
export class InvalidAccessTokenError extends Error {
  override readonly name = 'InvalidAccessTokenError';
  readonly reason: 'expired' | 'revoked' | 'wrong-audience' | 'invalid';

  constructor(reason: InvalidAccessTokenError['reason'], cause?: unknown) {
    super(`The access token is ${reason}`, { cause });
    this.reason = reason;
  }
}
