import { randomBytes } from 'node:crypto';
import { exportJWK, generateKeyPair } from 'jose';
import { Provider } from 'oidc-provider';
import { serve } from '../../shared/http/serve.ts';
import { accessTokenRequest } from './access-token-request.ts';
import { runContestant } from './run-contestant.ts';

/** The audience of the access tokens. */
const RESOURCE = 'http://localhost:3001/api/v1';
const SCOPE = 'todos:read todos:write';

await runContestant(async (resources) => {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  const clientId = 'demo';
  const clientSecret = randomBytes(32).toString('base64url');
  const provider = new Provider('http://localhost:3000', {
    jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: 'ES256', use: 'sig', kid: 'bench' }] },
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        grant_types: ['client_credentials'],
        response_types: [],
        redirect_uris: [],
        scope: SCOPE,
      },
    ],
    scopes: SCOPE.split(' '),
    // oidc-provider rejects a client whose default algorithm has no key
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    routes: { token: '/oauth/token' },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => RESOURCE,
        getResourceServerInfo: () => ({
          scope: SCOPE,
          audience: RESOURCE,
          accessTokenFormat: 'jwt',
          accessTokenTTL: 3600,
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
  });
  const { port } = resources.use(await serve(provider.callback(), { port: 0, host: '127.0.0.1' }));
  return accessTokenRequest({ port, clientId, clientSecret });
});
