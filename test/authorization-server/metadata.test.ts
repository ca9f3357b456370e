import { request } from 'node:http';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import * as z from 'zod';
import { type System, startSystem, type TestClient } from '../support/start-system.ts';

let system: System;
let client: TestClient;
beforeAll(async () => {
  system = await startSystem();
  client = await system.registerClient();
});
afterAll(() => system[Symbol.asyncDispose]());

/** Sends a request with any Host header, which `fetch` would set itself. */
function getWithHeaders(
  path: string,
  headers: Record<string, string>,
): Promise<{ status: number | undefined; body: string }> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(system.issuer);
    request({ hostname, port, path, headers }, (response) => {
      let body = '';
      response.on('data', (chunk) => {
        body += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode, body }));
    })
      .on('error', reject)
      .end();
  });
}

test.each(['/.well-known/oauth-authorization-server', '/.well-known/openid-configuration'])(
  'the metadata at %s names the issuer, whatever the Host header says',
  async (path) => {
    const expected = await getWithHeaders(path, {});
    const metadata = JSON.parse(expected.body);
    expect(metadata).toMatchObject({
      issuer: system.issuer,
      token_endpoint: `${system.issuer}/oauth/token`,
      jwks_uri: `${system.issuer}/oauth/jwks`,
      grant_types_supported: ['client_credentials', 'urn:ietf:params:oauth:grant-type:token-exchange'],
      scopes_supported: ['todos:read', 'todos:write', 'admin'],
      token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'private_key_jwt'],
      // RFC 8414 §2: required for each endpoint with the method private_key_jwt
      ...Object.fromEntries(
        ['token', 'revocation', 'introspection'].flatMap((endpoint) => [
          [
            `${endpoint}_endpoint_auth_methods_supported`,
            ['client_secret_basic', 'client_secret_post', 'private_key_jwt'],
          ],
          [`${endpoint}_endpoint_auth_signing_alg_values_supported`, ['RS256', 'PS256', 'ES256', 'Ed25519', 'EdDSA']],
        ]),
      ),
      code_challenge_methods_supported: ['S256'],
    });
    for (const header of ['host', 'x-forwarded-host']) {
      const headers = { [header]: 'evil.example', 'x-forwarded-proto': 'https' };
      expect((await getWithHeaders(path, headers)).body).toBe(expected.body);
    }
  },
);

// OpenID Connect Discovery §3 requires `id_token_signing_alg_values_supported` and `subject_types_supported`, and reads an absent
// `request_uri_parameter_supported` as true
test('the metadata has these members and no others', async () => {
  const response = await fetch(`${system.issuer}/.well-known/oauth-authorization-server`);
  const metadata = z.record(z.string(), z.unknown()).parse(await response.json());
  expect(Object.keys(metadata).toSorted()).toEqual([
    'authorization_endpoint',
    'authorization_response_iss_parameter_supported',
    'code_challenge_methods_supported',
    'grant_types_supported',
    'id_token_signing_alg_values_supported',
    'introspection_endpoint',
    'introspection_endpoint_auth_methods_supported',
    'introspection_endpoint_auth_signing_alg_values_supported',
    'introspection_signing_alg_values_supported',
    'issuer',
    'jwks_uri',
    'request_uri_parameter_supported',
    'response_modes_supported',
    'response_types_supported',
    'revocation_endpoint',
    'revocation_endpoint_auth_methods_supported',
    'revocation_endpoint_auth_signing_alg_values_supported',
    'scopes_supported',
    'status_list_aggregation_endpoint',
    'subject_types_supported',
    'token_endpoint',
    'token_endpoint_auth_methods_supported',
    'token_endpoint_auth_signing_alg_values_supported',
  ]);
});

test('the key set has public keys only, can be cached, and is revalidated by its entity tag', async () => {
  const response = await fetch(`${system.issuer}/oauth/jwks`);
  expect(response.headers.get('cache-control')).toBe('public, max-age=300');
  expect(response.headers.get('access-control-allow-origin')).toBe('*');
  expect(await response.json()).toEqual({
    keys: [
      {
        kty: 'EC',
        crv: 'P-256',
        x: expect.any(String),
        y: expect.any(String),
        kid: expect.any(String),
        alg: 'ES256',
        use: 'sig',
      },
    ],
  });
  const etag = response.headers.get('etag') ?? '';
  const again = await fetch(`${system.issuer}/oauth/jwks`, { headers: { 'if-none-match': etag } });
  expect(again.status).toBe(304);
  const metadata = await fetch(`${system.issuer}/.well-known/oauth-authorization-server`);
  expect(metadata.headers.get('cache-control')).toBe('public, max-age=300');
  expect(metadata.headers.get('etag')).toMatch(/^"/);
});

test('GET / leads a browser to the API documentation, and a program to the metadata', async () => {
  const page = await fetch(system.issuer, { headers: { accept: 'text/html' } });
  expect({ status: page.status, type: page.headers.get('content-type') }).toEqual({
    status: 200,
    type: 'text/html; charset=utf-8',
  });
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
  expect(await page.text()).toContain(`href="${new URL('/docs', system.apiResource)}"`);
  const index = await fetch(system.issuer, { headers: { accept: 'application/json' } });
  const { links } = z.object({ links: z.array(z.object({ href: z.url() })) }).parse(await index.json());
  for (const { href } of links) expect({ href, status: (await fetch(href)).status }).toEqual({ href, status: 200 });
});

test('endpoints of oidc-provider that yata does not use do not exist', async () => {
  for (const path of ['/interaction/abc', '/me', '/request', '/session/end', '/reg']) {
    expect((await fetch(`${system.issuer}${path}`)).status).toBe(404);
  }
});

test('authorization requests are rejected alike, whether or not the client exists, without a database statement', async () => {
  // MCP clients reject metadata without an authorization endpoint
  const metadata = await fetch(`${system.issuer}/.well-known/oauth-authorization-server`);
  expect(await metadata.json()).toMatchObject({ authorization_endpoint: `${system.issuer}/oauth/authorize` });

  const parameters = (clientId: string) =>
    `client_id=${clientId}&response_type=code&redirect_uri=https://evil.example&scope=todos:read`;
  const ask = async (method: string, path: string, body?: URLSearchParams) => {
    const response = await fetch(`${system.issuer}${path}`, { method, redirect: 'manual', ...(body && { body }) });
    const { status, headers } = response;
    const [location, allow] = [headers.get('location'), headers.get('allow')];
    const text = await response.text();
    return { status, location, allow, body: text === '' ? undefined : JSON.parse(text) };
  };
  const rejected = {
    status: 400,
    location: null,
    allow: null,
    body: { error: 'unsupported_response_type', error_description: expect.any(String) },
  };
  const statements = system.countStatements();
  // repeat if the read for revocations every two seconds came in between
  await vi.waitFor(async () => {
    const before = statements();
    for (const id of [client.id, 'unknown', '%00']) {
      expect(await ask('GET', `/oauth/authorize?${parameters(id)}`)).toEqual(rejected);
      expect(await ask('POST', '/oauth/authorize', new URLSearchParams(parameters(id)))).toEqual(rejected);
      expect(await ask('HEAD', `/oauth/authorize?${parameters(id)}`)).toEqual({ ...rejected, body: undefined });
      for (const path of ['/oauth/authorize/', '/OAuth/Authorize', '/oauth/authorize/a-uid'])
        expect(await ask('GET', `${path}?${parameters(id)}`)).toEqual(rejected);
    }
    expect(statements()).toBe(before);
  }, 10_000);
  expect(await ask('GET', '/oauth/authorize')).toEqual(rejected);
  expect(await ask('PUT', '/oauth/authorize')).toMatchObject({ status: 405, allow: 'GET, POST' });
});
