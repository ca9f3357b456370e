import { decodeJwt } from 'jose';
import type Provider from 'oidc-provider';
import { errors, type KoaContextWithOIDC } from 'oidc-provider';
import { COMPACT_JWS } from '../../shared/resource-server/access-token-claims.ts';
import { ROUTES } from './routes.ts';

/** The algorithms of client assertions. None is symmetric: the key would be the stored hash of a secret. */
export const CLIENT_ASSERTION_ALGORITHMS = ['RS256', 'PS256', 'ES256', 'Ed25519', 'EdDSA'] as const;

/** How far the clock of a client may differ from that of this server: for `exp`, `nbf` and `iat` of its assertions. */
export const ASSERTION_CLOCK_TOLERANCE_SECONDS = 15;

/** Seconds for which a client assertion may be valid at most. */
const MAX_ASSERTION_LIFETIME_SECONDS = 3_600;

/** The claims of a client assertion (RFC 7523 §3). */
type Claims = Readonly<Record<string, unknown>>;

/**
 * Creates the check of the claims of a client assertion (RFC 7523 §3). oidc-provider has verified the signature, `iss`,
 * `sub` and `exp` before, but also accepts the URL of an endpoint as the audience, any lifetime, and encodings that RFC 7515
 * §2 forbids.
 */
export function createClientAssertionCheck(issuer: string) {
  return async function checkClientAssertion(ctx: KoaContextWithOIDC, claims: Claims): Promise<void> {
    const problem = findProblem(ctx.oidc.params?.client_assertion, claims, acceptedAudiences(ctx, issuer));
    if (problem !== undefined) throw new errors.InvalidClientAuth(problem);
  };
}

/**
 * Says in `error_description` why a client assertion was rejected. oidc-provider says nothing but that authentication failed.
 * What is said follows from the assertion alone, so it is the same for a client id that does not exist.
 */
export function applyClientAssertionErrors(provider: Provider, issuer: string): void {
  provider.on('grant.error', describe);
  provider.on('revocation.error', describe);
  provider.on('introspection.error', describe);

  function describe(ctx: KoaContextWithOIDC, error: Error): void {
    const assertion = ctx.oidc?.params?.client_assertion;
    if (typeof assertion !== 'string' || !(error instanceof errors.InvalidClientAuth)) return;
    // oidc-provider emits the event after it has written the response into ctx, and before the response is sent
    ctx.body = { ...Object(ctx.body), error_description: describeRejection(assertion, acceptedAudiences(ctx, issuer)) };
  }
}

/** The issuer, and for a client with a metadata document also the token endpoint: ChatGPT sends that. */
function acceptedAudiences({ oidc }: KoaContextWithOIDC, issuer: string): readonly string[] {
  return oidc.client?.kind === 'document' ? [issuer, `${issuer}${ROUTES.token}`] : [issuer];
}

function describeRejection(assertion: string, audiences: readonly string[]): string {
  const problem = findProblem(assertion, decodeClaims(assertion), audiences);
  return `client_assertion: ${
    problem ??
    'expected iss and sub to be the client id, a jti that was not used before, and a signature by a key of this client (kid, alg)'
  }`;
}

function decodeClaims(assertion: string): Claims {
  try {
    return decodeJwt(assertion);
  } catch {
    return {};
  }
}

/** Returns what is wrong with an assertion, as far as it can be told without the keys of the client. */
function findProblem(
  assertion: unknown,
  { aud, exp, nbf, iat }: Claims,
  audiences: readonly string[],
): string | undefined {
  if (typeof assertion !== 'string' || !COMPACT_JWS.test(assertion))
    return 'expected a JWT of three parts in base64url without padding';
  const [audience, ...others] = [aud].flat();
  // the audience is this issuer alone: an assertion that a client made for another server is not accepted here
  if (!audiences.includes(String(audience)) || others.length > 0)
    return `expected the issuer ${audiences[0]} as the only audience (aud)`;
  const now = Math.floor(Date.now() / 1000);
  if (typeof exp !== 'number') return 'expected the time at which it expires (exp)';
  if (exp <= now - ASSERTION_CLOCK_TOLERANCE_SECONDS)
    return `exp is ${now - exp} seconds in the past: check the clock of the client`;
  // auth stores each jti until the assertion expires, to reject a second use
  if (exp > now + MAX_ASSERTION_LIFETIME_SECONDS)
    return `exp is ${exp - now} seconds in the future: expected at most ${MAX_ASSERTION_LIFETIME_SECONDS}`;
  for (const [name, time] of Object.entries({ nbf, iat })) {
    if (time === undefined) continue;
    if (typeof time !== 'number') return `expected a number of seconds (${name})`;
    if (time > now + ASSERTION_CLOCK_TOLERANCE_SECONDS)
      return `${name} is ${time - now} seconds in the future: check the clock of the client`;
  }
  return undefined;
}
