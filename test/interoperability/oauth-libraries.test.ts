import { decodeJwt, exportJWK, generateKeyPair } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ClientAuthentication, OAUTH_LIBRARIES } from '../support/oauth-libraries.ts';
import { requestTodos } from '../support/request-todos.ts';
import { type System, startSystem } from '../support/start-system.ts';
import { ACCESS_TOKEN_TYPE, TOKEN_EXCHANGE_GRANT } from '../support/token-exchange-parameters.ts';

let system: System;
beforeAll(async () => {
  system = await startSystem();
});
afterAll(() => system[Symbol.asyncDispose]());

const AUTHENTICATIONS = [
  'client_secret_basic',
  'client_secret_post',
  'private_key_jwt with ES256',
  'private_key_jwt with RS256',
  'private_key_jwt with EdDSA',
] as const;

describe.each(OAUTH_LIBRARIES)('%s', (_library, connect) => {
  test.each(AUTHENTICATIONS)('can do all that auth offers to a client with %s', async (name) => {
    const { id, authentication } = await registerClient(name);
    const client = await connect(system.issuer, id, authentication);

    const token = await client.requestAccessToken({ scope: 'todos:read' });
    expect(decodeJwt(token)).toMatchObject({ client_id: id, scope: 'todos:read', aud: system.apiResource });
    expect((await requestTodos(system.apiResource, token)).status).toBe(200);
    expect(await client.introspect(token)).toMatchObject({ active: true, client_id: id, scope: 'todos:read' });

    // the client is a resource server too: it exchanges and introspects what was issued for it
    const caller = await system.registerClient();
    const subjectToken = await system.getAccessToken(caller, { resource: system.mcpResource });
    const exchanged = await client.requestByGrant(TOKEN_EXCHANGE_GRANT, {
      subject_token: subjectToken,
      subject_token_type: ACCESS_TOKEN_TYPE,
      resource: system.apiResource,
    });
    expect(decodeJwt(exchanged)).toMatchObject({ sub: caller.id, act: { sub: id }, aud: system.apiResource });
    expect((await requestTodos(system.apiResource, exchanged)).status).toBe(200);
    if (client.introspectSigned !== undefined)
      expect(await client.introspectSigned(subjectToken)).toMatchObject({ active: true, client_id: caller.id });

    await client.revoke(token);
    expect(await client.introspect(token)).toEqual({ active: false });
  });

  test.each(['EdDSA', 'Ed25519'])('authenticates with an Ed25519 key that is registered for %s', async (alg) => {
    const { id, authentication } = await registerClient('private_key_jwt with EdDSA', { alg });
    const client = await connect(system.issuer, id, authentication);
    expect(decodeJwt(await client.requestAccessToken({}))).toMatchObject({ client_id: id });
  });

  test.each(AUTHENTICATIONS)('reports invalid_client for another credential, with %s', async (name) => {
    const { id } = await registerClient(name);
    const { authentication } = await registerClient(name);
    const client = await connect(system.issuer, id, authentication);
    await expect(client.requestAccessToken({})).rejects.toSatisfy((error) => codeOf(error) === 'invalid_client');
  });

  test('reports the error code of a rejected request', async () => {
    const { id, authentication } = await registerClient('client_secret_basic');
    const client = await connect(system.issuer, id, authentication);
    for (const [parameters, code] of [
      [{ scope: 'admin' }, 'invalid_scope'],
      [{ resource: 'http://elsewhere.example' }, 'invalid_target'],
    ] as const)
      await expect(client.requestAccessToken(parameters)).rejects.toSatisfy((error) => codeOf(error) === code);
    await expect(
      client.requestByGrant(TOKEN_EXCHANGE_GRANT, { subject_token: 'x', subject_token_type: ACCESS_TOKEN_TYPE }),
    ).rejects.toSatisfy((error) => codeOf(error) === 'invalid_request');
  });
});

/**
 * Registers a client for a way of authentication: it may read and write todos, and is a resource server for mcp. The
 * public key has only the members of its type and those of `members`: the libraries choose an algorithm.
 */
async function registerClient(
  name: (typeof AUTHENTICATIONS)[number],
  members: Record<string, string> = {},
): Promise<{ id: string; authentication: ClientAuthentication }> {
  const resourceServer = system.mcpResource;
  const [method, alg] = name.split(' with ');
  if (method !== 'private_key_jwt') {
    const tokenEndpointAuthMethod = method === 'client_secret_post' ? method : 'client_secret_basic';
    const { id, secret } = await system.registerClient({ resourceServer, tokenEndpointAuthMethod });
    return { id, authentication: { method: tokenEndpointAuthMethod, secret } };
  }
  const { publicKey, privateKey } = await generateKeyPair(String(alg), { extractable: true });
  const { id } = await system.registerClient({
    resourceServer,
    tokenEndpointAuthMethod: method,
    secretHash: null,
    jwks: { keys: [{ ...(await exportJWK(publicKey)), kid: 'one', use: 'sig', ...members }] },
  });
  const key = { ...(await exportJWK(privateKey)), kid: 'one' };
  return { id, authentication: { method, alg: String(alg), key } };
}

/** The error code of RFC 6749 §5.2 in the error of a library. A 401 with a challenge has none in oauth4webapi. */
function codeOf(error: unknown): unknown {
  const { error: code, code: libraryCode } = Object(error);
  return libraryCode === 'OAUTH_WWW_AUTHENTICATE_CHALLENGE' ? 'invalid_client' : code;
}
