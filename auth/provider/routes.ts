/** The path of each endpoint that oidc-provider serves. */
export const ROUTES = {
  authorization: '/oauth/authorize',
  token: '/oauth/token',
  jwks: '/oauth/jwks',
  revocation: '/oauth/revoke',
  introspection: '/oauth/introspect',
} as const;

/** The HTTP methods of each endpoint, and of the metadata, by the path. */
export const METHODS: Readonly<Record<string, 'GET' | 'POST'>> = {
  [ROUTES.authorization]: 'GET',
  [ROUTES.token]: 'POST',
  [ROUTES.jwks]: 'GET',
  [ROUTES.revocation]: 'POST',
  [ROUTES.introspection]: 'POST',
  '/.well-known/oauth-authorization-server': 'GET',
  '/.well-known/openid-configuration': 'GET',
};
