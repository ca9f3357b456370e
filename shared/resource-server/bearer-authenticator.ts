import { InvalidAccessTokenError } from './access-token-claims.ts';
import type { AccessToken, VerifyAccessToken } from './access-token-verifier.ts';
import type { AuthorizationProblem, Challenges } from './challenge.ts';

/**
 * Authenticates a request by its Authorization header, the only place where an access token is accepted (RFC 6750 §2.1).
 * It returns at once when the access token was verified before.
 * @throws {ChallengeError} when the header has no valid access token.
 */
export type AuthenticateBearer = (authorization: string | undefined) => AccessToken | Promise<AccessToken>;

/** Creates the authenticator of a resource server. It also throws what `verify` throws when auth cannot be reached. */
export function createBearerAuthenticator({
  verify,
  challenges,
}: {
  verify: VerifyAccessToken;
  challenges: Challenges;
}): AuthenticateBearer {
  return function authenticateBearer(authorization = '') {
    const token = bearerToken(authorization);
    try {
      const verified = verify(token);
      return verified instanceof Promise ? verified.catch((error) => reject(error, token)) : verified;
    } catch (error) {
      return reject(error, token);
    }
  };

  function bearerToken(header: string): string {
    // the comparison without case comes second: nearly every client sends `Bearer`
    if (header.startsWith('Bearer ') || header.slice(0, 7).toLowerCase() === 'bearer ')
      // any number of spaces may follow the scheme (RFC 9110 §11.4)
      return header[7] === ' ' ? header.slice(7).trimStart() : header.slice(7);
    // another scheme carries no access token for this resource
    throw header.toLowerCase() === 'bearer' ? challenges.malformedAuthorization('empty') : challenges.missing();
  }

  function reject(error: unknown, token: string): never {
    if (!(error instanceof InvalidAccessTokenError)) throw error;
    // the syntax is checked only now, because a token that was verified is well-formed
    throw B64TOKEN.test(token) ? challenges.invalid(error) : challenges.malformedAuthorization(findProblem(token));
  }
}

/** Finds what a client sent instead of an access token; undefined when it cannot be told. */
function findProblem(token: string): AuthorizationProblem | undefined {
  if (token === '') return 'empty';
  if (/^["']/.test(token)) return 'quoted';
  if (/^bearer(\s|$)/i.test(token)) return 'two-schemes';
  // variables as hosts and shells write them: ${NAME}, ${env:NAME}, $NAME, %NAME%, {env:NAME}, {{NAME}}, <NAME>
  if (/^(\$?\{.*\}|\$\w+|%\w+%|<.*>)$/.test(token)) return 'placeholder';
  return undefined;
}

/** The syntax of an access token in a header (RFC 6750 §2.1). */
const B64TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/;
