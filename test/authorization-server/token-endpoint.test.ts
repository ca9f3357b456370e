import { randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { decodeJwt, decodeProtectedHeader, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import * as z from 'zod';
import { createClientSecret, hashClientSecret } from '../../auth/clients/client-secret.ts';
import { otherSpellings } from '../support/other-spellings.ts';
import { basicAuthorization } from '../support/post-as-client.ts';
import { type System, startSystem, type TestClient } from '../support/start-system.ts';

let system: System;
let client: TestClient;
beforeAll(async () => {
  system = await startSystem();
  client = await system.registerClient();
});
afterAll(() => system[Symbol.asyncDispose]());

async function post(body: string | URLSearchParams, headers: Record<string, string> = {}) {
  const response = await fetch(`${system.issuer}/oauth/token`, { method: 'POST', body, headers });
  return {
    status: response.status,
    challenge: response.headers.get('www-authenticate'),
    headers: response.headers,
    body: await response.json(),
  };
}
const form = (parameters: Record<string, string>) =>
  new URLSearchParams({ grant_type: 'client_credentials', ...parameters });
const basic = (id: string, secret: string) => ({ authorization: basicAuthorization({ id, secret }) });
const descriptionOf = ({ body }: { body: unknown }) =>
  z.object({ error_description: z.string() }).parse(body).error_description;
const assertionRejected = {
  error: 'invalid_client',
  error_description:
    'client_assertion: expected iss and sub to be the client id, a jti that was not used before, and a signature by a key of this client (kid, alg)',
};
const clientRejected = { error: 'invalid_client', error_description: 'client authentication failed' };

test('an access token has the claims of RFC 9068, and the response has its lifetime', async () => {
  const answer = await post(form({}), basic(client.id, client.secret));
  expect(answer.status).toBe(200);
  expect(answer.headers.get('cache-control')).toBe('no-store');
  expect(answer.body).toEqual({
    access_token: expect.any(String),
    token_type: 'Bearer',
    expires_in: 3600,
    scope: 'todos:read todos:write',
  });
  const token = await system.getAccessToken(client);
  expect(decodeProtectedHeader(token)).toEqual({ alg: 'ES256', typ: 'at+jwt', kid: expect.any(String) });
  const claims = decodeJwt(token);
  expect(claims).toEqual({
    iss: system.issuer,
    sub: client.id,
    aud: system.apiResource,
    client_id: client.id,
    scope: 'todos:read todos:write',
    jti: expect.any(String),
    status: {
      status_list: { idx: expect.any(Number), uri: expect.stringContaining(`${system.issuer}/oauth/status-lists/`) },
    },
    iat: expect.any(Number),
    exp: expect.any(Number),
  });
  expect(Number(claims.exp) - Number(claims.iat)).toBe(3600);
});

test('a client authenticates with its secret in the header or in the form, not in both', async () => {
  expect(await post(form({}), basic(client.id, client.secret))).toMatchObject({ status: 200 });
  expect(await post(form({ client_id: client.id, client_secret: client.secret }))).toMatchObject({ status: 200 });
  expect(await post(form({ client_secret: client.secret }), basic(client.id, client.secret))).toMatchObject({
    status: 400,
    body: { error: 'invalid_request' },
  });
});

test('a wrong secret and an unknown client get the same response', async () => {
  const stored = hashClientSecret(client.secret);
  for (const [id, secret] of [
    [client.id, createClientSecret()],
    // the stored hash is not accepted as a secret
    [client.id, encodeURIComponent(stored)],
    ['unknown', client.secret],
  ] as const) {
    const answer = await post(form({}), basic(id, secret));
    expect(answer).toMatchObject({ status: 401, body: clientRejected });
    expect(answer.challenge).toBe(
      `Basic realm="${system.issuer}", error="invalid_client", error_description="client authentication failed"`,
    );
  }
  expect(await post(form({ client_id: client.id, client_secret: 'wrong' }))).toMatchObject({
    status: 401,
    body: clientRejected,
  });
  expect(await post(form({ client_id: client.id }))).toMatchObject({ status: 401, body: clientRejected });
});

test.each([
  ['no credentials', {}, 'expected client authentication, or the client_id of a public client'],
  ['another scheme', { authorization: 'Bearer x' }, 'Authorization: expected Basic'],
  ['no secret', { authorization: `Basic ${btoa('demo:')}` }, 'Authorization: expected Basic'],
  ['no base64', { authorization: 'Basic %' }, 'Authorization: expected Basic'],
  ['a wrong encoding', { authorization: `Basic ${btoa('demo:%')}` }, 'Authorization: expected Basic'],
])('a request with %s is rejected with 401 and a challenge', async (_name, headers, description) => {
  for (const path of ['/oauth/token', '/oauth/revoke', '/oauth/introspect']) {
    const body = new URLSearchParams({ grant_type: 'client_credentials', token: 'x' });
    const response = await fetch(system.issuer + path, { method: 'POST', headers, body });
    expect(response.status).toBe(401);
    expect(await response.json()).toEqual({
      error: 'invalid_client',
      error_description: expect.stringContaining(description),
    });
    expect(response.headers.get('www-authenticate')).toMatch(/^Basic realm="/);
  }
});

test('a body that cannot be read is rejected with the true cause', async () => {
  const send = async (headers: Record<string, string>, body: string) => {
    const response = await fetch(`${system.issuer}/oauth/token`, {
      method: 'POST',
      headers: { ...basic(client.id, client.secret), ...headers },
      // bytes: fetch adds a media type to a string
      body: new TextEncoder().encode(body),
    });
    return { status: response.status, body: await response.json() };
  };
  expect(await send({}, 'grant_type=client_credentials')).toEqual({
    status: 400,
    body: { error: 'invalid_request', error_description: 'content-type: expected application/x-www-form-urlencoded' },
  });
  const type = { 'content-type': 'application/x-www-form-urlencoded' };
  expect(await send(type, `grant_type=client_credentials&x=${'x'.repeat(60_000)}`)).toEqual({
    status: 413,
    body: { error: 'invalid_request', error_description: 'body: expected at most 57344 bytes' },
  });
});

test.each([
  [
    'a JSON body',
    JSON.stringify({ grant_type: 'client_credentials' }),
    { 'content-type': 'application/json' },
    'invalid_request',
  ],
  ['a body of no known type', 'grant_type=client_credentials', { 'content-type': 'text/plain' }, 'invalid_request'],
  ['no grant type', new URLSearchParams({ x: 'y' }), {}, 'invalid_request'],
  ['an unknown grant type', new URLSearchParams({ grant_type: 'password' }), {}, 'unsupported_grant_type'],
  [
    'an authorization code, at a client that gets tokens by itself',
    new URLSearchParams({ grant_type: 'authorization_code', code: 'x' }),
    {},
    'unauthorized_client',
  ],
])('%s is rejected with an OAuth error', async (_name, body, headers, error) => {
  const answer = await post(body, { ...headers, ...basic(client.id, client.secret) });
  expect(answer).toMatchObject({ status: 400, body: { error } });
  expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
});

test('the response to a JSON body names the supported content type', async () => {
  const { body } = await post('{}', { 'content-type': 'application/json', ...basic(client.id, client.secret) });
  expect(body).toEqual({
    error: 'invalid_request',
    error_description: 'only application/x-www-form-urlencoded content-type bodies are supported on POST /oauth/token',
  });
});

test('a method that is not allowed is rejected with the allowed one', async () => {
  const response = await fetch(`${system.issuer}/oauth/token`);
  expect({ status: response.status, allow: response.headers.get('allow') }).toEqual({ status: 405, allow: 'POST' });
  expect(await response.json()).toMatchObject({ error: 'invalid_request' });
  expect((await fetch(`${system.issuer}/nothing`)).status).toBe(404);
});

test('a client gets the scopes that it requests, or all that it may have, and any other scope is rejected', async () => {
  const reader = await system.registerClient({ scopes: ['todos:read'] });
  const scopeOf = async (requester: TestClient, parameters: Record<string, string>) =>
    decodeJwt(await system.getAccessToken(requester, parameters)).scope;
  expect(await scopeOf(reader, {})).toBe('todos:read');
  expect(await scopeOf(reader, { scope: '' })).toBe('todos:read');
  expect(await scopeOf(client, { scope: 'todos:write' })).toBe('todos:write');
  expect(await scopeOf(client, { scope: 'todos:write todos:read todos:write' })).toBe('todos:read todos:write');

  for (const [requester, scope, rejected] of [
    [reader, 'todos:write', 'todos:write'],
    [reader, 'todos:read todos:write', 'todos:write'],
    [client, 'todos:read nonsense', 'nonsense'],
    [client, 'nonsense', 'nonsense'],
    [client, 'openid', 'openid'],
    [client, 'admin', 'admin'],
  ] as const) {
    const answer = await post(form({ scope }), basic(requester.id, requester.secret));
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_scope', scope: rejected } });
  }
});

test('an access token is for one resource, which the client must be allowed to use', async () => {
  const audienceOf = async (parameters: Record<string, string>) =>
    decodeJwt(await system.getAccessToken(client, parameters)).aud;
  expect(await audienceOf({})).toBe(system.apiResource);
  expect(await audienceOf({ resource: system.mcpResource })).toBe(system.mcpResource);
  expect(await audienceOf({ resource: `${system.mcpResource}/` })).toBe(system.mcpResource);

  const narrow = await system.registerClient({ resources: [system.mcpResource] });
  for (const [requester, resource] of [
    [client, 'http://evil.example'],
    [client, `${system.apiResource}/todos`],
    [client, `${system.issuer}/admin`],
    [client, 'not a url'],
    [narrow, system.apiResource],
  ] as const) {
    expect(await post(form({ resource }), basic(requester.id, requester.secret))).toMatchObject({
      status: 400,
      body: { error: 'invalid_target' },
    });
  }
  const both = form({ resource: system.apiResource });
  both.append('resource', system.mcpResource);
  expect(await post(both, basic(client.id, client.secret))).toMatchObject({
    status: 400,
    body: { error: 'invalid_target' },
  });
});

test('an administrator gets the scope admin at /admin and no scope at the api', async () => {
  const resource = `${system.issuer}/admin`;
  const admin = await system.registerClient({ scopes: ['admin'], resources: [resource, system.apiResource] });
  expect(decodeJwt(await system.getAccessToken(admin, { resource }))).toMatchObject({ aud: resource, scope: 'admin' });
  expect(await post(form({}), basic(admin.id, admin.secret))).toMatchObject({
    status: 400,
    body: { error: 'invalid_scope' },
  });
  expect(await post(form({ scope: 'admin' }), basic(admin.id, admin.secret))).toMatchObject({
    status: 400,
    body: { error: 'invalid_scope' },
  });
});

const now = () => Math.floor(Date.now() / 1000);

async function registerKeyClient() {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const { id } = await system.registerClient({
    tokenEndpointAuthMethod: 'private_key_jwt',
    secretHash: null,
    jwks: { keys: [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256', use: 'sig' }] },
  });
  const assertion = (claims: Record<string, unknown> = {}) =>
    new SignJWT({ iss: id, sub: id, aud: system.issuer, jti: randomUUID(), iat: now(), exp: now() + 60, ...claims })
      .setProtectedHeader({ alg: 'ES256', kid: 'one' })
      .sign(privateKey);
  const authenticate = (client_assertion: string) =>
    post(form({ client_assertion, client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer' }));
  return { id, assertion, authenticate };
}

test('a client authenticates with a client assertion of its private key only', async () => {
  const { id, assertion, authenticate } = await registerKeyClient();
  const answer = await authenticate(await assertion());
  expect(answer).toMatchObject({ status: 200, body: { token_type: 'Bearer' } });
  expect(await authenticate(await assertion({ sub: client.id }))).toMatchObject({
    status: 401,
    body: assertionRejected,
  });
  expect(await post(form({}), basic(id, 'any secret'))).toMatchObject({ status: 401, body: clientRejected });
});

test('the audience of a client assertion is the issuer, also as a list of one', async () => {
  const { assertion, authenticate } = await registerKeyClient();
  expect(await authenticate(await assertion({ aud: [system.issuer] }))).toMatchObject({ status: 200 });
  for (const aud of [
    `${system.issuer}/oauth/token`,
    [`${system.issuer}/oauth/token`],
    'http://evil.example',
    'http://evil.example/oauth/token',
    [system.issuer, 'http://evil.example'],
    [system.issuer, system.issuer],
    [],
  ]) {
    expect(await authenticate(await assertion({ aud }))).toMatchObject({
      status: 401,
      body: {
        error: 'invalid_client',
        error_description: `client_assertion: expected the issuer ${system.issuer} as the only audience (aud)`,
      },
    });
  }
});

test('a client assertion in an encoding that RFC 7515 forbids is rejected', async () => {
  const { assertion, authenticate } = await registerKeyClient();
  for (const [name, spelling] of otherSpellings(await assertion()))
    expect([name, await authenticate(spelling)]).toMatchObject([
      name,
      { status: expect.toBeOneOf([400, 401]), body: { error: expect.stringMatching(/^invalid_(client|request)$/) } },
    ]);
});

test('a client assertion that is sent four times at the same time is accepted once', async () => {
  const { assertion, authenticate } = await registerKeyClient();
  const one = await assertion();
  const answers = await Promise.all([authenticate(one), authenticate(one), authenticate(one), authenticate(one)]);
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 401, 401, 401]);
  expect(await authenticate(one)).toMatchObject({ status: 401, body: assertionRejected });
});

test.each([
  ['iat', 13],
  ['nbf', 13],
  ['exp', -13],
])('the clock of a client may differ by 15 seconds: %s %i seconds from now is accepted', async (claim, seconds) => {
  const { assertion, authenticate } = await registerKeyClient();
  expect(await authenticate(await assertion({ [claim]: now() + seconds }))).toMatchObject({ status: 200 });
});

test.each([
  ['iat', 30, /^client_assertion: iat is (29|30) seconds in the future: check the clock of the client$/],
  ['nbf', 30, /^client_assertion: nbf is (29|30) seconds in the future: check the clock of the client$/],
  ['exp', -30, /^client_assertion: exp is 3[01] seconds in the past: check the clock of the client$/],
  ['exp', 3700, /^client_assertion: exp is (3699|3700) seconds in the future: expected at most 3600$/],
  ['exp', 1e300, /^client_assertion: exp is .* seconds in the future/],
])('a client assertion is rejected when its %s is %d seconds from now', async (claim, seconds, description) => {
  const { assertion, authenticate } = await registerKeyClient();
  expect(await authenticate(await assertion({ [claim]: now() + seconds }))).toMatchObject({
    status: 401,
    challenge: `Basic realm="${system.issuer}"`,
    body: { error: 'invalid_client', error_description: expect.stringMatching(description) },
  });
});

test('the reason for rejecting a client assertion does not tell whether the client exists', async () => {
  const { assertion, authenticate } = await registerKeyClient();
  const { privateKey } = await generateKeyPair('ES256');
  const [header = '', payload = ''] = (await assertion()).split('.');
  const signedByAnother = `${header}.${payload}.${'A'.repeat(86)}`;
  const ofUnknown = async (claims: Record<string, unknown>) =>
    new SignJWT({ iss: 'unknown', sub: 'unknown', aud: system.issuer, jti: randomUUID(), exp: now() + 60, ...claims })
      .setProtectedHeader({ alg: 'ES256', kid: 'one' })
      .sign(privateKey);
  const unknownKey = await authenticate(signedByAnother);
  expect(unknownKey).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
  expect(descriptionOf(unknownKey)).toMatch(/^client_assertion: expected .* a signature by a key of this client/);
  expect((await authenticate(await ofUnknown({}))).body).toEqual(unknownKey.body);
  const elsewhere = { aud: 'http://evil.example' };
  const [known, unknown] = [await assertion(elsewhere), await ofUnknown(elsewhere)];
  expect((await authenticate(unknown)).body).toEqual((await authenticate(known)).body);
});

test.each(['token', 'revoke', 'introspect'])('a compressed body at /oauth/%s is rejected as such', async (endpoint) => {
  const url = `${system.issuer}/oauth/${endpoint}`;
  const body = gzipSync('grant_type=client_credentials&token=x');
  const headers = { 'content-type': 'application/x-www-form-urlencoded', ...basic(client.id, client.secret) };
  const send = (encoding: string) =>
    fetch(url, { method: 'POST', headers: { ...headers, 'content-encoding': encoding }, body });
  const response = await send('gzip');
  expect({ status: response.status, accepted: response.headers.get('accept-encoding') }).toEqual({
    status: 415,
    accepted: 'identity',
  });
  expect(await response.json()).toEqual({
    error: 'invalid_request',
    error_description: 'content-encoding: expected none',
  });
  expect((await send('identity')).status).not.toBe(415);
});

test.each([
  ['a scope', { scope: 'no\u00fcn"sense' }, {}],
  ['a resource', { resource: 'http://"evil"' }, {}],
  ['an audience', { audience: 'a"b\\c' }, {}],
  ['a grant type', { grant_type: '"x"' }, {}],
  ['an origin', {}, { origin: 'http://evil.example/"' }],
])(
  'the description of an error has no character that RFC 6749 forbids, when %s has one',
  async (_name, parameters, headers) => {
    const { status, body } = await post(form(parameters), { ...basic(client.id, client.secret), ...headers });
    expect(status).toBeGreaterThanOrEqual(400);
    expect(descriptionOf({ body })).toMatch(/^[\x20\x21\x23-\x5B\x5D-\x7E]+$/);
  },
);

test('the identifier of a resource is accepted in audience, and anything else is rejected', async () => {
  const request = (parameters: Record<string, string>) => post(form(parameters), basic(client.id, client.secret));
  const audienceOf = async (parameters: Record<string, string>) =>
    decodeJwt(String(Object((await request(parameters)).body).access_token)).aud;
  const { apiResource, mcpResource } = system;
  expect(await audienceOf({ audience: mcpResource })).toBe(mcpResource);
  expect(await audienceOf({ audience: '' })).toBe(apiResource);
  expect(await audienceOf({ audience: mcpResource, resource: `${mcpResource}/` })).toBe(mcpResource);
  const rejected: Record<string, string>[] = [
    { audience: 'account' },
    { audience: 'http://evil.example' },
    { audience: mcpResource, resource: apiResource },
  ];
  for (const parameters of rejected) {
    const answer = await request(parameters);
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_target' } });
    expect(descriptionOf(answer)).toContain('resource');
  }
});

test('text that cannot be a client id is handled like an unknown client', async () => {
  for (const id of ['\0', 'a\0b', 'ö', 'x'.repeat(5000), "'; drop table auth.client; --"]) {
    const answer = await post(form({ client_id: id, client_secret: 'x' }));
    expect({ id, status: answer.status }).toEqual({ id, status: 401 });
  }
});

test('a client assertion signed with the stored hash of a secret is rejected', async () => {
  const assertion = await new SignJWT({ iss: client.id, sub: client.id, aud: system.issuer, jti: randomUUID() })
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuedAt()
    .setExpirationTime('1m')
    .sign(Buffer.from(hashClientSecret(client.secret)));
  const answer = await post(
    form({
      client_assertion: assertion,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    }),
  );
  expect(answer).toMatchObject({ status: 401, body: assertionRejected });
});

test('issuing an access token to a cached client causes no database statement', async () => {
  await system.getAccessToken(client);
  const statements = system.countStatements();
  await system.postToken({ id: 'unknown', secret: 'any' });
  // an unknown client is read from the database, so the counter works
  expect(statements()).toBeGreaterThan(0);
  // from time to time a block of status indexes is leased, each twice as long as the one before
  await Promise.all(Array.from({ length: 40 }, () => system.getAccessToken(client)));
  // repeat if a lease, or the read for revocations every two seconds, came in between
  await vi.waitFor(async () => {
    const before = statements();
    await Promise.all(Array.from({ length: 20 }, () => system.getAccessToken(client)));
    expect(statements()).toBe(before);
  }, 10_000);
});
