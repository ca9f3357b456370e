import type { InvalidAccessTokenError } from './access-token-claims.ts';
import { metadataUrl, type ProtectedResource, requireProtectedResource } from './protected-resource-metadata.ts';

/** Why a resource server rejects a request. */
export type ChallengeCode =
  | 'access_token_missing'
  | 'access_token_invalid'
  | 'access_token_expired'
  | 'access_token_revoked'
  | 'access_token_wrong_audience'
  | 'malformed_authorization'
  | 'insufficient_scope';

/**
 * A request whose access token does not suffice (RFC 6750 §3): a status, headers and a body that any HTTP framework can
 * send. `cause` is for the log alone.
 */
export class ChallengeError extends Error {
  override readonly name = 'ChallengeError';
  readonly status: 400 | 401 | 403;
  readonly code: ChallengeCode;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: { readonly error?: string; readonly error_description: string };
  /** Koa and other frameworks send the message and headers of an error that has this member. */
  readonly expose = true;

  constructor(
    status: ChallengeError['status'],
    code: ChallengeCode,
    description: string,
    { parameters, cause }: { parameters: Readonly<Record<string, string>>; cause?: unknown },
  ) {
    super(description, { cause });
    this.status = status;
    this.code = code;
    // Bearer is the first and only scheme: many clients read no further than the first
    const parameterList = Object.entries(parameters).map(([name, value]) => `${name}="${value}"`);
    this.headers = { 'www-authenticate': `Bearer ${parameterList.join(', ')}` };
    this.body = { ...(parameters.error !== undefined && { error: parameters.error }), error_description: description };
  }
}

/** What is wrong with an Authorization header that has no access token. */
export type AuthorizationProblem = keyof typeof AUTHORIZATION_PROBLEMS;

/** What was granted to an access token, and to whom. */
type GrantedAccess = {
  readonly subject: string;
  readonly clientId: string;
  readonly scopes: ReadonlySet<string>;
  readonly actor?: unknown;
};

/** Creates the challenges of one resource server. */
export type Challenges = {
  /** 401: the request has no access token, so the challenge has no error code (RFC 6750 §3.1). */
  readonly missing: () => ChallengeError;
  /** 401 `invalid_token`: the access token is not accepted. */
  readonly invalid: (error: InvalidAccessTokenError) => ChallengeError;
  /** 400 `invalid_request`: the Authorization header is malformed. */
  readonly malformedAuthorization: (problem?: AuthorizationProblem) => ChallengeError;
  /**
   * 403 `insufficient_scope`: the access token is valid, but lacks a scope that the operation needs. For an access token that a
   * person allowed, the challenge names the granted scopes too: a client that asks for exactly those scopes loses none.
   */
  readonly insufficientScope: (needed: readonly string[], accessToken?: GrantedAccess) => ChallengeError;
};

/**
 * Creates the challenges of a resource server. Each names the resource's metadata (RFC 9728 §5.1) and the scopes to
 * request. A 401 names all scopes of the resource, because most clients request scopes once.
 * @throws {TypeError} when the resource is not described correctly.
 */
export function createChallenges(protectedResource: ProtectedResource): Challenges {
  requireProtectedResource(protectedResource);
  const { resource, scopes } = protectedResource;
  const resource_metadata = metadataUrl(resource);
  const scope = scopes.join(' ');

  return {
    missing: () =>
      new ChallengeError(401, 'access_token_missing', 'An access token is needed', {
        parameters: { resource_metadata, scope },
      }),
    invalid(error) {
      const [code, error_description] = REJECTIONS[error.reason];
      return new ChallengeError(401, code, error_description, {
        parameters: { error: 'invalid_token', error_description, resource_metadata, scope },
        cause: error,
      });
    },
    malformedAuthorization(problem = 'malformed') {
      const error_description = AUTHORIZATION_PROBLEMS[problem];
      return new ChallengeError(400, 'malformed_authorization', error_description, {
        parameters: { error: 'invalid_request', error_description, resource_metadata, scope },
      });
    },
    insufficientScope(needed, accessToken) {
      const lacking = `The access token lacks the scope ${needed.join(' ')}`;
      // the subject of a program's access token is the program itself (RFC 9068 §2.2), also after an exchange by another one
      const isOfPerson =
        accessToken !== undefined && accessToken.subject !== accessToken.clientId && accessToken.actor === undefined;
      // some clients show this sentence to the person, and do nothing else
      const error_description = isOfPerson ? `${lacking}. Sign in again and allow it` : lacking;
      const wanted = isOfPerson
        ? scopes.filter((name) => needed.includes(name) || accessToken.scopes.has(name))
        : needed;
      return new ChallengeError(403, 'insufficient_scope', error_description, {
        parameters: { error: 'insufficient_scope', error_description, resource_metadata, scope: wanted.join(' ') },
      });
    },
  };
}

const AUTHORIZATION_PROBLEMS = {
  malformed: 'The Authorization header must be: Bearer, a space, the access token',
  empty: 'The Authorization header has no access token after Bearer',
  placeholder:
    'The Authorization header has the name of a variable instead of an access token: set the variable where the client runs',
  'two-schemes': 'The Authorization header names the scheme Bearer twice',
  quoted: 'The access token in the Authorization header must not be in quotes',
} as const;

const REJECTIONS = {
  expired: ['access_token_expired', 'The access token expired'],
  revoked: ['access_token_revoked', 'The access token was revoked'],
  'wrong-audience': ['access_token_wrong_audience', 'The access token is for another resource'],
  invalid: ['access_token_invalid', 'The access token is not valid'],
} as const satisfies Record<InvalidAccessTokenError['reason'], readonly [ChallengeCode, string]>;
