// The URNs of RFC 8693 §3 and §2.1 are written out here, so that the tests do not repeat a mistake of the product.
export const TOKEN_EXCHANGE_GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange';
export const ACCESS_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:access_token';

/** The parameters of a request that exchanges an access token (RFC 8693 §2.1). */
export function tokenExchangeParameters(subjectToken: string) {
  return {
    grant_type: TOKEN_EXCHANGE_GRANT,
    subject_token: subjectToken,
    subject_token_type: ACCESS_TOKEN_TYPE,
  };
}
