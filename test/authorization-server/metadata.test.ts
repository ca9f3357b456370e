import { request } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as z from 'zod';
import { type System, startSystem } from '../support/start-system.ts';

let system: System;
beforeAll(async () => {
  system = await startSystem();
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

const METHODS = ['client_secret_basic', 'client_secret_post', 'private_key_jwt'];

test.each(['/.well-known/oauth-authorization-server', '/.well-known/openid-configuration'])(
  'the metadata at %s names the issuer, whatever the Host header says',
  async (path) => {
    const expected = await getWithHeaders(path, {});
    const metadata = JSON.parse(expected.body);
    expect(metadata).toMatchObject({
      issuer: system.issuer,
      token_endpoint: `${system.issuer}/oauth/token`,
      jwks_uri: `${system.issuer}/oauth/jwks`,
      authorization_endpoint: `${system.issuer}/oauth/authorize`,
      registration_endpoint: `${system.issuer}/oauth/register`,
      grant_types_supported: [
        'authorization_code',
        'refresh_token',
        'client_credentials',
        'urn:ietf:params:oauth:grant-type:token-exchange',
      ],
      response_types_supported: ['code'],
      response_modes_supported: ['query'],
      // hosts ask for every scope that is listed, so `admin`, `openid` and `offline_access` are not
      scopes_supported: ['todos:read', 'todos:write'],
      token_endpoint_auth_methods_supported: [...METHODS, 'none'],
      revocation_endpoint_auth_methods_supported: [...METHODS, 'none'],
      introspection_endpoint_auth_methods_supported: METHODS,
      // RFC 8414 §2: required for each endpoint with the method private_key_jwt
      ...Object.fromEntries(
        ['token', 'revocation', 'introspection'].map((endpoint) => [
          `${endpoint}_endpoint_auth_signing_alg_values_supported`,
          ['RS256', 'PS256', 'ES256', 'Ed25519', 'EdDSA'],
        ]),
      ),
      code_challenge_methods_supported: ['S256'],
      authorization_response_iss_parameter_supported: true,
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
    'client_id_metadata_document_supported',
    'code_challenge_methods_supported',
    'grant_types_supported',
    'id_token_signing_alg_values_supported',
    'introspection_endpoint',
    'introspection_endpoint_auth_methods_supported',
    'introspection_endpoint_auth_signing_alg_values_supported',
    'introspection_signing_alg_values_supported',
    'issuer',
    'jwks_uri',
    'registration_endpoint',
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
  for (const path of ['/me', '/request', '/session/end', '/session/end/confirm', '/reg', '/device']) {
    expect((await fetch(`${system.issuer}${path}`)).status).toBe(404);
  }
});

test.each(['/oauth/token/', '/OAUTH/token', '/oauth/introspect/', '/OAuth/Revoke', '/oauth/JWKS'])(
  'there is no endpoint at %s, another spelling of a path',
  async (path) => {
    const response = await fetch(system.issuer + path, { method: 'POST', headers: { 'content-encoding': 'gzip' } });
    expect(response.status).toBe(404);
  },
);

test('the authorization endpoint has one path and one method, so that every request passes its guards', async () => {
  const query = 'client_id=unknown&response_type=code&response_mode=form_post';
  for (const path of ['/oauth/authorize/', '/OAuth/Authorize', '/oauth/Authorize/abc', '/oauth/authorize/a/b'])
    expect((await fetch(`${system.issuer}${path}?${query}`, { redirect: 'manual' })).status).toBe(404);
  for (const method of ['POST', 'PUT']) {
    const response = await fetch(`${system.issuer}/oauth/authorize`, { method, redirect: 'manual' });
    expect({ status: response.status, allow: response.headers.get('allow') }).toEqual({ status: 405, allow: 'GET' });
  }
  expect((await fetch(`${system.issuer}/oauth/authorize?${query}`)).status).toBe(400);
});
