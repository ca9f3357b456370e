import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as z from 'zod';
import { openBrowser } from '../support/browser.ts';
import { createPerson, type Person, signIn } from '../support/persons.ts';
import { createPublicClient, registerPublicClient } from '../support/public-client.ts';
import { type System, startSystem } from '../support/start-system.ts';

let system: System;
let person: Person;
beforeAll(async () => {
  system = await startSystem({ AUTH_TRUSTED_PROXIES: 'loopback' });
  person = await createPerson(system);
});
afterAll(() => system[Symbol.asyncDispose]());

let address = 0;
async function register(body: unknown, headers: Record<string, string> = {}) {
  address += 1;
  const response = await fetch(`${system.issuer}/oauth/register`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-forwarded-for': `2001:db8:${address.toString(16)}::1`,
      ...headers,
    },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const json = z.record(z.string(), z.unknown()).and(z.object({ client_id: z.string().default('') }));
  return { status: response.status, headers: response.headers, body: json.parse(await response.json()) };
}

/** The registration requests of hosts, as they were seen on the wire (versions of November 2026). */
const HOSTS: Readonly<Record<string, object>> = {
  'Claude Code 2.1': {
    client_name: 'Claude Code (yata)',
    redirect_uris: ['http://localhost:51234/callback'],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
    application_type: 'native',
  },
  'Codex 0.169': {
    client_name: 'Codex',
    redirect_uris: ['http://127.0.0.1:46221/callback'],
    grant_types: ['authorization_code', 'refresh_token'],
    token_endpoint_auth_method: 'none',
    response_types: ['code'],
    application_type: 'native',
    scope: 'todos:read todos:write',
  },
  'opencode 1.18': {
    client_name: 'OpenCode',
    client_uri: 'https://opencode.ai',
    redirect_uris: ['http://127.0.0.1:19876/mcp/oauth/callback'],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  },
  'Inspector 2.12': {
    client_name: 'MCP Inspector',
    client_uri: 'https://github.com/modelcontextprotocol/inspector',
    redirect_uris: ['http://127.0.0.1:6276/oauth/callback'],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
    application_type: 'native',
    scope: '',
  },
  'mcporter 0.12': {
    client_name: 'mcporter (yata)',
    redirect_uris: ['http://127.0.0.1:40113/callback'],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  },
  'mcp-remote 0.15': {
    client_name: 'MCP CLI Proxy',
    client_uri: 'https://github.com/modelcontextprotocol/mcp-cli',
    redirect_uris: ['http://localhost:14777/oauth/callback'],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
    software_id: '2e6dc280-f3c3-4e01-99a7-8181dbd1d23d',
    software_version: '0.15.1',
  },
  Cursor: {
    client_name: 'Cursor',
    application_type: 'web',
    redirect_uris: [
      'http://localhost:8787/callback',
      'https://www.cursor.com/agents/mcp/oauth/callback',
      'cursor://anysphere.cursor-mcp/oauth/callback',
    ],
    token_endpoint_auth_method: 'none',
  },
  'Claude on the web': {
    client_name: 'Claude',
    client_uri: null,
    logo_uri: null,
    redirect_uris: ['https://claude.ai/api/mcp/auth_callback'],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'client_secret_post',
    scope: 'todos:read',
  },
  'a client without a method': { redirect_uris: ['http://[::1]:9000/callback'] },
};

test.each(Object.entries(HOSTS))('%s registers as it does elsewhere', async (_name, body) => {
  const registered = await register(body);
  expect(registered.status).toBe(201);
  expect(registered.headers.get('cache-control')).toBe('no-store');
  expect(registered.headers.get('access-control-allow-origin')).toBe('*');
  expect(registered.body).toMatchObject({
    client_id: expect.stringMatching(/^dyn_[A-Za-z0-9_-]{22}$/),
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    scope: 'todos:read todos:write',
  });
  const method = Object(body).token_endpoint_auth_method ?? 'none';
  expect(registered.body).toHaveProperty('token_endpoint_auth_method', method);
  expect('client_secret' in registered.body).toBe(method !== 'none');
});

test('the same software is one client, whatever port it listens on', async () => {
  const body = (port: number) => ({ client_name: 'One', redirect_uris: [`http://localhost:${port}/callback`] });
  const [one, two] = [await register(body(1111)), await register(body(2222))];
  expect(two.body.client_id).toBe(one.body.client_id);
  expect(two.body.redirect_uris).toEqual(['http://localhost:2222/callback']);
  for (const port of [1111, 2222, 3333]) {
    const client = createPublicClient(system, one.body.client_id, `http://localhost:${port}/callback`);
    await client.connect(person);
  }
  const rows = await system.em.fork().execute("select 1 from auth.client where name = 'One'");
  expect(rows).toHaveLength(1);
});

test('a confidential client is a new one each time, and authenticates with its secret', async () => {
  const body = {
    client_name: 'Secret',
    redirect_uris: ['https://a.example/cb'],
    token_endpoint_auth_method: 'client_secret_post',
  };
  const [one, two] = [await register(body), await register(body)];
  expect(two.body.client_id).not.toBe(one.body.client_id);
  expect(one.body).toMatchObject({ client_secret: expect.stringMatching(/^.{43}$/), client_secret_expires_at: 0 });
  const client = createPublicClient(system, one.body.client_id, 'https://a.example/cb');
  const code = (await client.authorize(person)).get('code') ?? '';
  expect((await client.redeem(code, { client_secret: 'wrong' })).status).toBe(401);
  expect((await client.redeem(code)).status).toBe(401);
  expect((await client.redeem(code, { client_secret: String(one.body.client_secret) })).status).toBe(200);
  expect(JSON.stringify(await system.em.fork().execute('select * from auth.client_secret'))).not.toContain(
    one.body.client_secret,
  );
});

test('nothing but names and addresses is taken from a registration', async () => {
  const hostile = {
    client_id: 'admin',
    client_secret: 'chosen',
    client_name: 'Hostile',
    redirect_uris: ['https://hostile.example/cb'],
    kind: 'registered',
    scope: 'admin',
    allowed_scopes: ['admin'],
    resources: [`${system.issuer}/admin`],
    resource_server: system.mcpResource,
    secrets: [{ hash: 'x', expiresAt: null }],
    one_token_at_a_time: true,
    grant_types: ['client_credentials', 'urn:ietf:params:oauth:grant-type:token-exchange'],
    response_types: ['token', 'id_token'],
    jwks: { keys: [] },
    jwks_uri: 'https://127.0.0.1/',
    default_max_age: 1,
    require_auth_time: true,
    response_modes: ['form_post'],
    logo_uri: 'http://169.254.169.254/',
    application_type: 'native',
    subject_type: 'pairwise',
    sector_identifier_uri: 'https://hostile.example/',
    initiate_login_uri: 'https://hostile.example/',
    post_logout_redirect_uris: ['https://hostile.example/'],
    contacts: ['a'],
  };
  const { status, body } = await register(hostile);
  expect(status).toBe(201);
  expect(Object.keys(body).toSorted()).toEqual([
    'client_id',
    'client_id_issued_at',
    'client_name',
    'grant_types',
    'redirect_uris',
    'response_types',
    'scope',
    'token_endpoint_auth_method',
  ]);
  const [row] = await system.em.fork().execute('select * from auth.client where client_id = ?', [body.client_id]);
  expect(row).toMatchObject({
    kind: 'dynamic',
    scopes: ['todos:read', 'todos:write'],
    resources: [system.apiResource, system.mcpResource],
    resource_server: null,
    jwks: null,
    one_token_at_a_time: false,
    token_endpoint_auth_method: 'none',
    redirect_uris: ['https://hostile.example/cb'],
  });
  const plain = await register({ client_name: 'Hostile', redirect_uris: ['https://hostile.example/cb'] });
  // no other metadata can be registered under the id that the real software gets
  expect(plain.body.client_id).toBe(body.client_id);
});

test.each<[string, unknown, string]>([
  ['no redirect URI', {}, 'invalid_redirect_uri'],
  ['an empty list', { redirect_uris: [] }, 'invalid_redirect_uri'],
  ['a text', { redirect_uris: 'https://a.example/' }, 'invalid_redirect_uri'],
  ['a number', { redirect_uris: 5 }, 'invalid_redirect_uri'],
  ['null', { redirect_uris: null }, 'invalid_redirect_uri'],
  ['objects', { redirect_uris: [{}] }, 'invalid_redirect_uri'],
  [
    '50 redirect URIs',
    { redirect_uris: Array.from({ length: 50 }, (_, i) => `https://a.example/${i}`) },
    'invalid_redirect_uri',
  ],
  [
    '500 redirect URIs',
    { redirect_uris: Array.from({ length: 500 }, (_, i) => `https://a.example/${i}`) },
    'invalid_client_metadata',
  ],
  ['a private-use scheme alone', { redirect_uris: ['cursor://callback'] }, 'invalid_redirect_uri'],
  [
    'a secret of a key',
    { redirect_uris: ['https://a.example/'], token_endpoint_auth_method: 'private_key_jwt' },
    'invalid_client_metadata',
  ],
  ['a long name', { redirect_uris: ['https://a.example/'], client_name: 'a'.repeat(5_000) }, 'invalid_client_metadata'],
  [
    'a name with another direction',
    { redirect_uris: ['https://a.example/'], client_name: 'a\u202eb' },
    'invalid_client_metadata',
  ],
  [
    'a name with a line break',
    { redirect_uris: ['https://a.example/'], client_name: 'a\nb' },
    'invalid_client_metadata',
  ],
  ['a name with NUL', { redirect_uris: ['https://a.example/'], client_name: 'a\0b' }, 'invalid_client_metadata'],
  ['half a character', { redirect_uris: ['https://a.example/'], client_name: 'a\ud800' }, 'invalid_client_metadata'],
  ['a list', [], 'invalid_client_metadata'],
  ['a text as body', '"x"', 'invalid_client_metadata'],
  ['no JSON', '{', 'invalid_client_metadata'],
])('a registration with %s is rejected', async (_name, body, error) => {
  expect(await register(body)).toMatchObject({ status: 400, body: { error, error_description: expect.any(String) } });
});

test.each([
  'https://claude.ai@evil.example/cb',
  'https://user:password@evil.example/cb',
  'http://user:pw@localhost:1/cb',
  'https://evil.example\\@claude.ai/cb',
  ' https://evil.example/cb',
  'https:evil.example/cb',
  'https:/evil.example/cb',
  'HTTPS://evil.example/cb',
  'https://EVIL.example/cb',
  'https://evil.example:443/cb',
  'https://evil.example/a/../cb',
  'https://evil.example/cb#fragment',
  'https://evil.example/cb#',
  'https://evil.example/cb?code=y&iss=x',
  'https://evil.example/cb?state=x',
  'https://evil.example/\u202ecb',
  'http://evil.example/cb',
  'http://0.0.0.0/cb',
  'http://127.1/cb',
  'http://2130706433/cb',
  'http://localhost.evil.example/cb',
  'http://127.0.0.1.evil.example/cb',
  'javascript:alert(1)',
  'data:text/html,x',
  'vbscript:x',
  'file:///etc/passwd',
  'blob:https://evil.example/x',
  'about:blank',
  'view-source:https://evil.example/',
  'filesystem:https://evil.example/',
  'intent://evil.example/',
  'ms-msdt:/id',
  'search-ms:query=x',
])('the redirect URI %j is rejected, alone and beside another', async (uri) => {
  expect(await register({ redirect_uris: [uri] })).toMatchObject({
    status: 400,
    body: { error: 'invalid_redirect_uri' },
  });
  expect((await register({ redirect_uris: ['https://a.example/', uri] })).status).toBe(400);
});

test('a body of another type, or that is too large, is rejected', async () => {
  const body = JSON.stringify({ redirect_uris: ['https://a.example/'] });
  expect((await register(body, { 'content-type': 'text/plain' })).status).toBe(415);
  expect((await register({ redirect_uris: ['https://a.example/'], padding: 'x'.repeat(20_000) })).status).toBe(413);
  expect((await fetch(`${system.issuer}/oauth/register`)).status).toBe(405);
});

test('no registration request causes a fault', async () => {
  const member = fc.oneof(fc.jsonValue(), fc.string(), fc.array(fc.oneof(fc.webUrl(), fc.string(), fc.jsonValue())));
  await fc.assert(
    fc.asyncProperty(
      fc.record(
        { client_name: member, client_uri: member, redirect_uris: member, token_endpoint_auth_method: member },
        { requiredKeys: [] },
      ),
      async (body) => {
        expect((await register(body)).status).toBeLessThan(500);
      },
    ),
    { numRuns: 150 },
  );
});

test('twenty clients are registered from one network in an hour, and no more', async () => {
  const headers = { 'x-forwarded-for': '2001:db8:ffff:ffff::1' };
  const body = (index: number) => ({ redirect_uris: [`https://limited.example/${index}`] });
  const statuses = await Promise.all(
    Array.from({ length: 22 }, async (_, index) => (await register(body(index), headers)).status),
  );
  expect(statuses.filter((status) => status === 429)).toHaveLength(2);
  // a client that exists can register again
  expect((await register(body(0), headers)).status).toBe(201);
  const limited = await register(body(100), { 'x-forwarded-for': '2001:db8:ffff:ffff:1::2' });
  expect(limited).toMatchObject({ status: 429, body: { error: 'temporarily_unavailable' } });
  expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(3_000);
  expect((await register({ redirect_uris: ['javascript:x'] }, headers)).status).toBe(400);
});

test('a name with markup is shown as text', async () => {
  const name = '<script>alert(1)</script>&"\'';
  const client = await registerPublicClient(system, { client_name: name });
  const browser = openBrowser(system.issuer);
  const page = await browser.open(client.authorizationUrl());
  const consent = await signIn(browser, page, person);
  for (const { text } of [page, consent]) {
    expect(text).not.toContain('<script>alert');
    expect(text).toContain('&#60;script&#62;alert(1)&#60;/script&#62;&#38;&#34;&#39;');
  }
  expect(consent.text).toContain('The name is not verified.');
});

test('a client that an administrator disabled stays disabled when it registers again', async () => {
  const body = { client_name: 'Disabled', redirect_uris: ['https://a.example/'] };
  const { client_id } = (await register(body)).body;
  await system.em.fork().execute('update auth.client set active = false where client_id = ?', [client_id]);
  expect((await register(body)).body.client_id).toBe(client_id);
  const page = () =>
    openBrowser(system.issuer).open(createPublicClient(system, client_id, 'https://a.example/').authorizationUrl());
  await expect.poll(async () => (await page()).text).toContain('This client is not known here');
});

test('an operator can switch registration off', async () => {
  await using closed = await startSystem({ AUTH_REGISTRATION: 'off' });
  const response = await fetch(`${closed.issuer}/oauth/register`, { method: 'POST', body: '{}' });
  expect(response.status).toBe(404);
  const metadata = await (await fetch(`${closed.issuer}/.well-known/oauth-authorization-server`)).json();
  expect(metadata).not.toHaveProperty('registration_endpoint');
});
