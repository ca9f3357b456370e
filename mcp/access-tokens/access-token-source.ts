/** Where a client of the todo API gets its access token from. */
export type AccessTokenSource = {
  /**
   * An access token that is good for some time yet.
   * @throws {AccessTokenRejectedError} @throws {AuthorizationServerUnavailableError}
   */
  readonly get: () => Promise<string>;
  /** The API refused this access token: it is not handed out again. */
  readonly refused: (accessToken: string) => void;
};

/** An access token and when it ends, in milliseconds since the epoch. */
export type IssuedAccessToken = {
  readonly value: string;
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** The scopes that were granted, when the authorization server says so. */
  readonly scopes: ReadonlySet<string> | undefined;
};

/** The authorization server issues no access token to this client, or none for this caller any more. */
export class AccessTokenRejectedError extends Error {
  override readonly name = 'AccessTokenRejectedError';
  /** The error code of RFC 6749 §5.2, or `invalid_token` when it was the API that refused. */
  readonly error: string;

  constructor(error: string, cause?: unknown) {
    super(`No access token is to be had: ${error}`, { cause });
    this.error = error;
  }
}

/** The authorization server is out of reach, or does not answer as one. */
export class AuthorizationServerUnavailableError extends Error {
  override readonly name = 'AuthorizationServerUnavailableError';

  constructor(cause: unknown) {
    super('The authorization server is out of reach', { cause });
  }
}
