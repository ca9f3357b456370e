import { compactVerify, createLocalJWKSet, decodeJwt, decodeProtectedHeader, errors, type JSONWebKeySet } from 'jose';
import * as z from 'zod';
import { SIGNATURE_ALGORITHMS } from '../../shared/resource-server/access-token-claims.ts';
import { BrokenLinkError, type Finding, LinkNotTriedError } from './chain.ts';
import { ahead, type Clock } from './clocks.ts';
import type { IssuedToken } from './request-access-token.ts';
import { difference, sanitize } from './sanitize.ts';

const Header = z.object({ typ: z.string().optional(), alg: z.string(), kid: z.string().optional() });
const Claims = z.object({
  iss: z.string().optional(),
  aud: z.union([z.string(), z.array(z.string())]).optional(),
  exp: z.number().optional(),
  iat: z.number().optional(),
});

/** Examines what an access token says of itself, as the resource server will (RFC 9068 §4). */
export function examineClaims(
  { value, clock, answeredAt }: IssuedToken,
  { issuer, resource, keys }: { issuer: string; resource: string; keys: JSONWebKeySet },
): Finding {
  const token = decodeToken(value);
  if (token === undefined)
    throw new BrokenLinkError(
      'the access token is no JWT',
      'Let the authorization server issue JWT access tokens (RFC 9068).',
    );
  const { typ, alg, kid, iss, aud, exp, iat } = token;
  // by the clock of who issued it: that this machine's is wrong is said elsewhere
  const now = answeredAt / 1000 + (clock?.ahead ?? 0);
  const [audience = 'nobody', ...more] = [aud ?? []].flat();
  expected(
    /^(application\/)?at\+jwt$/i.test(typ ?? ''),
    'typ',
    typ,
    'at+jwt',
    'A JWT of another type is no access token (RFC 9068 §2.1).',
  );
  expected(
    SIGNATURE_ALGORITHMS.includes(alg),
    'alg',
    alg,
    `one of ${SIGNATURE_ALGORITHMS.join(', ')}`,
    'Sign with one of them (AUTH_SIGNING_ALG).',
  );
  expected(
    kid !== undefined || keys.keys.length === 1,
    'kid',
    kid,
    'the name of a key',
    'Name the key that it is signed with: there are several.',
  );
  expected(iss === issuer, 'iss', iss, issuer, 'Make the issuer the same to the letter everywhere (AUTH_ISSUER).');
  expected(
    withoutSlash(audience) === withoutSlash(resource) && more.length === 0,
    'aud',
    [audience, ...more].join(', '),
    resource,
    'The authorization server has to issue access tokens for the `resource` that is asked for, and for it alone (RFC 8707 §2): register the resource there by the same name (MCP_RESOURCE, API_RESOURCE).',
  );
  expected(iat !== undefined, 'iat', iat, 'the time of issue', 'Let the authorization server say when it issued it.');
  expected(
    exp !== undefined && exp > now,
    'exp',
    exp,
    'a time to come',
    'Let the authorization server issue access tokens that live for a while (ACCESS_TOKEN_TTL).',
  );
  const detail = `${alg}, for ${sanitize(audience)} alone, ${Math.round(Number(exp) - now)} s to live`;
  if (audience === resource) return { found: undefined, detail };
  const warning = `The audience differs from the URL in a slash at the end: better let clients use ${sanitize(audience)}.`;
  return { found: undefined, detail, warning };
}

function withoutSlash(identifier: string): string {
  return identifier.replace(/\/$/, '');
}

/** The clock that an access token's `iat` was taken from. */
export function readIssuedAt({ value, askedAt, answeredAt }: IssuedToken): Clock | undefined {
  const iat = decodeToken(value)?.iat;
  return iat === undefined
    ? undefined
    : { whose: 'the authorization server', ahead: ahead(iat * 1000, askedAt, answeredAt) };
}

/** Reads what an access token says without verifying it; undefined when it is no JWT. */
export function decodeToken(value: string): (z.infer<typeof Header> & z.infer<typeof Claims>) | undefined {
  try {
    return { ...Header.parse(decodeProtectedHeader(value)), ...Claims.parse(decodeJwt(value)) };
  } catch {
    return undefined;
  }
}

function expected(holds: boolean, name: string, is: string | number | undefined, should: string, remedy: string): void {
  if (holds) return;
  const found = is === undefined ? 'missing' : sanitize(String(is));
  throw new BrokenLinkError(
    `the ${name} of the access token is ${found}, not ${sanitize(should)}${difference(String(is), should)}`,
    remedy,
  );
}

/** Verifies the signature of an access token with the keys that its issuer publishes. */
export async function verifySignature(token: string, keys: JSONWebKeySet): Promise<Finding> {
  const decoded = decodeToken(token);
  if (decoded === undefined) throw new LinkNotTriedError('the access token is no JWT');
  const { kid } = decoded;
  const name = kid === undefined ? 'a key' : `the key ${sanitize(kid)}`;
  try {
    await compactVerify(token, createLocalJWKSet(keys), { algorithms: SIGNATURE_ALGORITHMS });
    return { found: undefined, detail: `${name} verifies it` };
  } catch (error) {
    if (error instanceof errors.JWKSNoMatchingKey)
      throw new BrokenLinkError(
        `the access token is signed with ${name}, which the JWKS does not have: it was rotated, or it expired`,
        'Publish a new key before signing with it, and an old one until its last access token ended. Restart an authorization server that still signs with the old one, and empty the cache before the JWKS.',
      );
    if (error instanceof errors.JOSEError)
      throw new BrokenLinkError(
        `the signature of the access token does not fit ${name} of the JWKS`,
        'The key that signs is another than the one that is published by this name: give each key a kid of its own, and let every process of the authorization server use the same keys.',
      );
    throw error;
  }
}
