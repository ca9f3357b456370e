import { createServer } from 'node:http';
import { expect, onTestFinished, test, vi } from 'vitest';
import { startTokenIssuer } from '../testing/token-issuer.ts';
import { ChallengeError } from './challenge.ts';
import { findProtectedResourceMetadata } from './protected-resource-metadata.ts';
import { openResourceServer } from './resource-server.ts';

// The whole resource server without an HTTP framework: what another project needs to accept yata's access tokens.
async function startNotes(authorizationServer: string) {
  const resource = 'http://notes.example/v1';
  const protectedResource = { resource, authorizationServer, scopes: ['todos:read'], name: 'Notes' };
  const resourceServer = openResourceServer(protectedResource, { authUrl: undefined, logger: { warn() {} } });
  const server = createServer(async (request, response) => {
    const metadata = findProtectedResourceMetadata(protectedResource, request.url ?? '');
    if (metadata !== undefined) {
      response.writeHead(200, { ...metadata.headers, 'content-type': 'application/json' });
      response.end(JSON.stringify(metadata.body));
      return;
    }
    try {
      const accessToken = await resourceServer.authenticate(request.headers.authorization);
      if (!accessToken.scopes.has('todos:read')) throw resourceServer.challenges.insufficientScope(['todos:read']);
      response.end(`notes of ${accessToken.subject}`);
    } catch (error) {
      if (!(error instanceof ChallengeError)) throw error;
      response.writeHead(error.status, { ...error.headers, 'content-type': 'application/json' });
      response.end(JSON.stringify(error.body));
    }
  }).listen(0, '127.0.0.1');
  await vi.waitUntil(() => server.listening);
  onTestFinished(async () => {
    server.close();
    await resourceServer[Symbol.asyncDispose]();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return address.port;
}

test('a plain node:http server verifies, rejects, and sees a revocation', async () => {
  await using issuer = await startTokenIssuer({ audience: 'http://notes.example/v1' });
  const port = await startNotes(issuer.identifier);
  const get = async (authorization?: string, path = '/notes') => {
    const headers = authorization === undefined ? {} : { authorization };
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers });
    return [response.status, await response.text(), response.headers.get('www-authenticate')] as const;
  };
  const metadata = 'resource_metadata="http://notes.example/.well-known/oauth-protected-resource/v1"';
  const status = (index: number) => ({ status: { status_list: { idx: index, uri: issuer.listUri(1) } } });
  const alice = `Bearer ${await issuer.issue({ claims: status(7) })}`;
  const bob = `Bearer ${await issuer.issue({ claims: { sub: 'bob', ...status(8) } })}`;

  expect(await get(alice)).toEqual([200, 'notes of alice', null]);
  expect(await get()).toEqual([
    401,
    '{"error_description":"An access token is needed"}',
    `Bearer ${metadata}, scope="todos:read"`,
  ]);
  expect(await get(`Bearer ${await issuer.issue({ claims: { aud: 'http://other.example' } })}`)).toEqual([
    401,
    '{"error":"invalid_token","error_description":"The access token is for another resource"}',
    `Bearer error="invalid_token", error_description="The access token is for another resource", ${metadata}, scope="todos:read"`,
  ]);
  expect(await get(`Bearer ${await issuer.issue({ claims: { scope: 'other' } })}`)).toEqual([
    403,
    '{"error":"insufficient_scope","error_description":"The access token lacks the scope todos:read"}',
    `Bearer error="insufficient_scope", error_description="The access token lacks the scope todos:read", ${metadata}, scope="todos:read"`,
  ]);
  expect(await get('Bearer')).toEqual([
    400,
    expect.stringContaining('"error":"invalid_request"'),
    expect.stringContaining('error="invalid_request"'),
  ]);
  expect(JSON.parse((await get(undefined, '/.well-known/oauth-protected-resource/v1'))[1])).toMatchObject({
    resource: 'http://notes.example/v1',
    authorization_servers: [issuer.identifier],
  });

  await issuer.publishList(1, [7]);
  await expect.poll(() => get(alice)).toMatchObject([401, expect.stringContaining('revoked'), expect.any(String)]);
  expect(await get(bob)).toEqual([200, 'notes of bob', null]);
});

test.each([
  ['an empty issuer', { authorizationServer: '' }, 'authorizationServer: expected an http or https URL'],
  ['an issuer with a query', { authorizationServer: 'https://a.example?b' }, 'authorizationServer: expected'],
  ['a resource without a scheme', { resource: 'notes.example' }, 'resource: expected an http or https URL'],
  ['a resource with a quote', { resource: 'https://notes.example/"' }, 'resource: expected'],
  ['no scopes', { scopes: [] }, 'scopes: expected one or more scopes'],
  ['a scope with a space', { scopes: ['a b'] }, 'scopes: expected one or more scopes'],
  ['no name', { name: '' }, 'name: expected a name'],
])('%s is an error when the resource server is created', (_name, wrong, message) => {
  const right = {
    resource: 'https://notes.example',
    authorizationServer: 'https://auth.example',
    scopes: ['todos:read'],
    name: 'Notes',
  };
  const open = () => openResourceServer({ ...right, ...wrong }, { authUrl: undefined, logger: { warn() {} } });
  expect(open).toThrow(new RegExp(`^${message}`));
  expect(open).toThrow(TypeError);
});
