/**
 * How a client can authenticate (RFC 7591 §2, `token_endpoint_auth_method`). This file does not import the ORM, because
 * the command line loads it.
 */
export const CLIENT_AUTHENTICATION_METHODS = ['client_secret_basic', 'client_secret_post', 'private_key_jwt'] as const;

/** The same, and `none`: a public client, which holds no credential (RFC 6749 §2.1). */
export const TOKEN_ENDPOINT_AUTH_METHODS = [...CLIENT_AUTHENTICATION_METHODS, 'none'] as const;
