import { compactVerify, createLocalJWKSet, decodeJwt, decodeProtectedHeader, errors, type JSONWebKeySet } from 'jose';
import * as z from 'zod';
import { SIGNATURE_ALGORITHMS } from '../../shared/resource-server/access-token-claims.ts';
import { sanitize } from '../sanitize.ts';
import { BrokenLinkError, type Finding, SkippedLinkError } from './chain.ts';
import { type Clock, secondsAhead } from './clocks.ts';
import { describeDifference } from './describe-difference.ts';
import type { IssuedToken } from './request-access-token.ts';

const Header = z.object({ typ: z.string().optional(), alg: z.string(), kid: z.string().optional() });
const Claims = z.object({
  iss: z.string().optional(),
  aud: z.union([z.string(), z.array(z.string())]).optional(),
  exp: z.number().optional(),
  iat: z.number().optional(),
});

/** Checks the header and the claims of an access token as the resource server does (RFC 9068 §4). */
export function checkClaims(
  { value, clock, receivedAt }: IssuedToken,
  { issuer, resource, keys }: { issuer: string; resource: string; keys: JSONWebKeySet },
): Finding {
  const token = decodeToken(value);
  if (token === undefined)
    throw new BrokenLinkError(
      'the access token is not a JWT',
      'The authorization server must issue access tokens as JWTs (RFC 9068).',
    );
  const { typ, alg, kid, iss, aud, exp, iat } = token;
  // by the clock of the authorization server: the link `clocks` reports a difference to this machine
  const now = receivedAt / 1000 + (clock?.secondsAhead ?? 0);
  const [audience = '', ...more] = [aud ?? []].flat();
  expectMember(
    /^(application\/)?at\+jwt$/i.test(typ ?? ''),
    { name: 'typ', actual: typ, expected: 'at+jwt' },
    'Issue access tokens with the type at+jwt. A JWT of another type is not an access token (RFC 9068 §2.1).',
  );
  expectMember(
    SIGNATURE_ALGORITHMS.includes(alg),
    { name: 'alg', actual: alg, expected: `one of ${SIGNATURE_ALGORITHMS.join(', ')}` },
    'Sign access tokens with one of these algorithms (AUTH_SIGNING_ALG).',
  );
  expectMember(
    kid !== undefined || keys.keys.length === 1,
    { name: 'kid', actual: kid, expected: 'the kid of a published key' },
    'Put the kid of the signing key into the header. It is necessary because the JWKS has several keys.',
  );
  expectMember(
    iss === issuer,
    { name: 'iss', actual: iss, expected: issuer },
    'Use exactly the same issuer everywhere (AUTH_ISSUER).',
  );
  expectMember(
    withoutSlash(audience) === withoutSlash(resource) && more.length === 0,
    { name: 'aud', actual: aud === undefined ? undefined : [audience, ...more].join(', '), expected: resource },
    'The authorization server must issue access tokens for the requested `resource` alone (RFC 8707 §2). Register the resource there with this identifier (MCP_RESOURCE, API_RESOURCE).',
  );
  expectMember(
    iat !== undefined,
    { name: 'iat', actual: iat, expected: 'the time of issue' },
    'The authorization server must put the time of issue into access tokens.',
  );
  expectMember(
    exp !== undefined && exp > now,
    { name: 'exp', actual: exp, expected: 'a time in the future' },
    'The authorization server must issue access tokens that are valid for some time (ACCESS_TOKEN_TTL).',
  );
  const detail = `${alg}, only for ${sanitize(audience)}, expires in ${Math.round(Number(exp) - now)} s`;
  if (audience === resource) return { value: undefined, detail };
  const warning = `The audience and the URL differ in the slash at the end. Give clients the URL ${sanitize(audience)}.`;
  return { value: undefined, detail, warning };
}

/** Verifies the signature of an access token with the published keys of its issuer. */
export async function checkSignature(token: string, keys: JSONWebKeySet): Promise<Finding> {
  const decoded = decodeToken(token);
  if (decoded === undefined) throw new SkippedLinkError('not checked: the access token is not a JWT');
  const { kid } = decoded;
  const key = kid === undefined ? 'a key without kid' : `the key ${sanitize(kid)}`;
  try {
    await compactVerify(token, createLocalJWKSet(keys), { algorithms: SIGNATURE_ALGORITHMS });
    return { value: undefined, detail: `signed with ${key}` };
  } catch (error) {
    if (error instanceof errors.JWKSNoMatchingKey)
      throw new BrokenLinkError(
        `the access token is signed with ${key}, which the JWKS does not contain; it may have been rotated out`,
        'Publish a new key before you sign with it, and an old key until its last access token has expired. Restart an authorization server that still signs with the old key, and purge caches in front of the JWKS.',
      );
    if (error instanceof errors.JOSEError)
      throw new BrokenLinkError(
        `the signature of the access token does not match ${kid === undefined ? 'any key' : key} of the JWKS`,
        'The key that signs is not the published one. Give each key its own kid, and let every process of the authorization server use the same keys.',
      );
    throw error;
  }
}

/** Reads the clock from which the `iat` of an access token was taken; undefined without `iat`. */
export function readIssuedAtClock({ value, sentAt, receivedAt }: IssuedToken): Clock | undefined {
  const iat = decodeToken(value)?.iat;
  return iat === undefined
    ? undefined
    : { owner: 'the authorization server', secondsAhead: secondsAhead(iat * 1000, sentAt, receivedAt) };
}

function decodeToken(value: string): (z.infer<typeof Header> & z.infer<typeof Claims>) | undefined {
  try {
    return { ...Header.parse(decodeProtectedHeader(value)), ...Claims.parse(decodeJwt(value)) };
  } catch {
    return undefined;
  }
}

function withoutSlash(identifier: string): string {
  return identifier.replace(/\/$/, '');
}

function expectMember(
  valid: boolean,
  { name, actual, expected }: { name: string; actual: string | number | undefined; expected: string },
  remedy: string,
): void {
  if (valid) return;
  const found = actual === undefined ? 'missing' : sanitize(String(actual));
  throw new BrokenLinkError(
    `the ${name} of the access token is ${found}, not ${sanitize(expected)}${describeDifference(String(actual), expected)}`,
    remedy,
  );
}
