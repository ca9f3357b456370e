import { hash, randomBytes } from 'node:crypto';
import { exportJWK, generateKeyPair } from 'jose';
import { Provider } from 'oidc-provider';
import { serve } from '../../shared/http/serve.ts';
import { parseTokens } from '../../test/support/public-client.ts';
import { runContestant } from './run-contestant.ts';

// a plain oidc-provider with its memory adapter, and authorization codes that it stored itself

const RESOURCE = 'http://localhost:3002/mcp';
const SCOPE = 'todos:read todos:write';
const REDIRECT_URI = 'http://127.0.0.1/callback';

await runContestant(async (resources) => {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  const provider = new Provider('http://localhost:3000', {
    jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: 'ES256', use: 'sig', kid: 'bench' }] },
    clients: [
      {
        client_id: 'assistant',
        token_endpoint_auth_method: 'none',
        application_type: 'native',
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        redirect_uris: [REDIRECT_URI],
        scope: SCOPE,
      },
    ],
    scopes: SCOPE.split(' '),
    // oidc-provider rejects a client whose default algorithm has no key
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    routes: { token: '/oauth/token' },
    issueRefreshToken: async () => true,
    rotateRefreshToken: true,
    features: {
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => RESOURCE,
        useGrantedResource: () => true,
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
  const url = `http://127.0.0.1:${port}/oauth/token`;
  // one for all codes, because the memory adapter forgets what is beyond its thousand entries
  const grant = new provider.Grant({ accountId: 'usr_1', clientId: 'assistant' });
  grant.addResourceScope(RESOURCE, SCOPE);
  const grantId = await grant.save();

  async function makeCode(): Promise<string> {
    const client = await provider.Client.find('assistant');
    if (client === undefined) throw new Error('there is no client');
    const verifier = randomBytes(32).toString('base64url');
    const code = new provider.AuthorizationCode({
      ...{ client, accountId: 'usr_1', grantId, gty: 'authorization_code', scope: SCOPE, resource: RESOURCE },
      ...{ codeChallenge: hash('sha256', verifier, 'base64url'), codeChallengeMethod: 'S256' },
      ...{ redirectUri: REDIRECT_URI, authTime: Math.floor(Date.now() / 1000) },
    });
    return encode({
      ...{ grant_type: 'authorization_code', code: await code.save(), code_verifier: verifier },
      redirect_uri: REDIRECT_URI,
    });
  }

  async function makeBody(): Promise<string> {
    const body = await makeCode();
    if (process.argv[2] === 'code') return body;
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const response = await fetch(url, { method: 'POST', headers, body });
    return encode({ grant_type: 'refresh_token', refresh_token: parseTokens(await response.json()).refresh_token });
  }

  return {
    url,
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: '',
    prepare: (count) => Promise.all(Array.from({ length: count }, makeBody)),
  };
});

function encode(parameters: Record<string, string>): string {
  return String(new URLSearchParams({ client_id: 'assistant', ...parameters }));
}
