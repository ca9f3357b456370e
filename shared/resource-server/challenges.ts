import { HttpError } from '../http/errors.ts';
import type { InvalidAccessTokenError } from './access-token-claims.ts';
import { metadataUrl, type ProtectedResource } from './protected-resource.ts';

/** What a resource server answers to a request whose access token does not suffice (RFC 6750 §3). */
export type Challenges = {
  /** 401: no access token was sent, so no error code is named (RFC 6750 §3.1). */
  readonly missing: () => HttpError;
  /** 401: an access token was sent and is not accepted. */
  readonly invalid: (error: InvalidAccessTokenError) => HttpError;
  /** 400: the Authorization header is not one. */
  readonly malformedRequest: () => HttpError;
  /** 403: the access token is good, and does not carry the scopes that the operation needs. */
  readonly insufficientScope: (needed: readonly string[]) => HttpError;
};

/**
 * Creates the challenges of one resource server. Each names its metadata (RFC 9728 §5.1) and the scopes to ask for; a
 * 401 names all of the resource's, for most clients ask once.
 */
export function createChallenges({ resource, scopes }: ProtectedResource): Challenges {
  const resource_metadata = metadataUrl(resource);
  const scope = scopes.join(' ');

  return {
    missing: () => refuse(401, 'An access token is needed', { resource_metadata, scope }),
    invalid: (error) => {
      const error_description = DESCRIPTIONS[error.reason];
      return refuse(
        401,
        error_description,
        { error: 'invalid_token', error_description, resource_metadata, scope },
        error,
      );
    },
    malformedRequest: () => {
      const error_description = 'The Authorization header must be: Bearer, a space, the access token';
      return refuse(400, error_description, { error: 'invalid_request', error_description, resource_metadata, scope });
    },
    insufficientScope: (needed) => {
      const error_description = `The access token lacks the scope ${needed.join(' ')}`;
      return refuse(403, error_description, {
        error: 'insufficient_scope',
        error_description,
        resource_metadata,
        scope: needed.join(' '),
      });
    },
  };
}

const DESCRIPTIONS = {
  expired: 'The access token expired',
  revoked: 'The access token was revoked',
  'wrong-audience': 'The access token is for another resource',
  invalid: 'The access token is not valid',
} satisfies Record<InvalidAccessTokenError['reason'], string>;

function refuse(status: number, detail: string, parameters: Record<string, string>, cause?: unknown): HttpError {
  // Bearer is the first and only scheme: clients look no further than the first
  const challenge = Object.entries(parameters).map(([name, value]) => `${name}="${value}"`);
  return new HttpError(status, detail, { headers: { 'www-authenticate': `Bearer ${challenge.join(', ')}` }, cause });
}
