/** The client credentials grant (RFC 6749 §4.4). */
export const CLIENT_CREDENTIALS = 'client_credentials';

/** The authorization code grant (RFC 6749 §4.1). */
export const AUTHORIZATION_CODE = 'authorization_code';

/** The refresh token grant (RFC 6749 §6). */
export const REFRESH_TOKEN = 'refresh_token';

/** The token exchange grant (RFC 8693 §2.1). */
export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';

/** The token type of an access token in a token exchange (RFC 8693 §3). */
export const ACCESS_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:access_token';

/** The token type of a JWT in a token exchange (RFC 8693 §3). */
export const JWT_TYPE = 'urn:ietf:params:oauth:token-type:jwt';
