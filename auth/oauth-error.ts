/**
 * The reason why auth rejects a request, as an OAuth error code. `auth/provider/oauth-errors.ts` turns it into a
 * response. The client reads the message as `error_description`.
 */
export abstract class OAuthError extends Error {
  abstract readonly code:
    | 'invalid_request'
    | 'invalid_scope'
    | 'invalid_target'
    | 'temporarily_unavailable'
    | 'unauthorized_client';
}

/** A parameter of the request is missing or wrong (RFC 6749 §5.2, RFC 8693 §2.2.2). */
export class InvalidRequestParameterError extends OAuthError {
  override readonly name = 'InvalidRequestParameterError';
  override readonly code = 'invalid_request';
}

/** The client requests a scope that it is not allowed (RFC 6749 §5.2). */
export class InvalidScopeError extends OAuthError {
  override readonly name = 'InvalidScopeError';
  override readonly code = 'invalid_scope';
  /** The rejected scope, or an empty string if the client is allowed no scope at all. */
  readonly scope: string;

  constructor(message: string, scope: string) {
    super(message);
    this.scope = scope;
  }
}

/** The client names a resource that does not exist, or that it is not allowed to use (RFC 8707 §2). */
export class InvalidTargetError extends OAuthError {
  override readonly name = 'InvalidTargetError';
  override readonly code = 'invalid_target';
}

/** The client is not allowed to use this grant type (RFC 6749 §5.2). */
export class UnauthorizedClientError extends OAuthError {
  override readonly name = 'UnauthorizedClientError';
  override readonly code = 'unauthorized_client';
}
