/** The source of the access tokens with which the todo API is called. */
export type AccessTokenSource = {
  /**
   * Returns an access token that does not expire soon.
   * @throws {AccessTokenRejectedError} @throws {TooManyTokenRequestsError} @throws {AuthorizationServerUnavailableError}
   */
  readonly get: () => Promise<string>;
  /** Reports that the API rejected this access token. It is not returned again. */
  readonly reject: (accessToken: string) => void;
};
