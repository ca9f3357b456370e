import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { expect, test } from 'vitest';
import type { FetchPublic, PublicResponse } from '../../auth/client-metadata-documents/fetch-public.ts';
import { openBrowser } from '../support/browser.ts';
import { createPerson } from '../support/persons.ts';
import { createPublicClient, parseTokens } from '../support/public-client.ts';
import { startSystem } from '../support/start-system.ts';

const CLIENT_ID = 'https://assistant.example/oauth/client.json';
const REDIRECT_URI = 'https://assistant.example/callback';

const DOCUMENT = {
  client_id: CLIENT_ID,
  client_name: 'The assistant',
  redirect_uris: [REDIRECT_URI, 'http://127.0.0.1/callback'],
  token_endpoint_auth_method: 'none',
};

/** A website that a test changes. Each fetch is counted. */
function createWebsite(pages: Record<string, Partial<PublicResponse> | 'unreachable'>) {
  const fetched: string[] = [];
  const fetchPublic: FetchPublic = async (url) => {
    fetched.push(url);
    const page = pages[url];
    if (page === undefined || page === 'unreachable') throw new Error('unreachable');
    return { status: 200, headers: { 'content-type': 'application/json' }, body: '', ...page };
  };
  return { fetched, fetchPublic, pages };
}

const json = (value: unknown, headers = {}): Partial<PublicResponse> => ({
  body: JSON.stringify(value),
  headers: { 'content-type': 'application/json', ...headers },
});

test('a client with a metadata document connects, and stays connected when the document cannot be fetched any more', async () => {
  const website = createWebsite({ [CLIENT_ID]: json(DOCUMENT) });
  await using system = await startSystem({}, { fetchPublic: website.fetchPublic });
  const person = await createPerson(system);
  const client = createPublicClient(system, CLIENT_ID, REDIRECT_URI);
  const tokens = await client.connect(person);
  expect(tokens.scope).toBe('todos:read todos:write');
  website.pages[CLIENT_ID] = 'unreachable';
  website.fetched.length = 0;
  await system.em.fork().execute("update auth.client set document_expires_at = now() - interval '1 hour'");
  const refreshed = await client.refresh(tokens.refresh_token);
  expect(refreshed.status).toBe(200);
  // no token request waits for another server
  expect(website.fetched).toEqual([]);
  // a new connection uses the last good copy
  expect((await client.connect(person)).scope).toBe('todos:read todos:write');
  expect(website.fetched).toEqual([CLIENT_ID]);
});

test('any port of a loopback redirect URI is accepted, and no other path or host', async () => {
  const website = createWebsite({ [CLIENT_ID]: json(DOCUMENT) });
  await using system = await startSystem({}, { fetchPublic: website.fetchPublic });
  const person = await createPerson(system);
  await createPublicClient(system, CLIENT_ID, 'http://127.0.0.1:53682/callback').connect(person);
  for (const redirectUri of [
    'http://localhost:53682/callback',
    'http://127.0.0.1:53682/other',
    'https://assistant.example/callback/',
    'https://evil.example/callback',
  ]) {
    const url = createPublicClient(system, CLIENT_ID, redirectUri).authorizationUrl();
    const page = await openBrowser(system.issuer).open(url);
    expect({ status: page.status, location: page.location }).toEqual({ status: 400, location: undefined });
    expect(page.text).toContain('This client may not use this address');
  }
});

test('the consent page says which website describes the client, and warns when the access goes to another host', async () => {
  const website = createWebsite({
    [CLIENT_ID]: json({ ...DOCUMENT, redirect_uris: ['https://other.example/callback'] }),
  });
  await using system = await startSystem({}, { fetchPublic: website.fetchPublic });
  const person = await createPerson(system);
  const client = createPublicClient(system, CLIENT_ID, 'https://other.example/callback');
  const browser = openBrowser(system.issuer);
  const signInPage = await browser.open(client.authorizationUrl());
  const consent = await browser.submit(signInPage.url, {
    action: 'sign-in',
    username: person.name,
    password: person.password,
  });
  expect(consent.text).toContain('“The assistant” wants to use your todos');
  expect(consent.text).toContain('The website assistant.example describes this client.');
  expect(consent.text).toContain('<strong>other.example</strong>');
  expect(consent.text).toContain('assistant.example passes the access on to another host, other.example.');
});

test('a document that changes between the page and Allow is shown again', async () => {
  const website = createWebsite({ [CLIENT_ID]: json(DOCUMENT) });
  await using system = await startSystem({}, { fetchPublic: website.fetchPublic });
  const person = await createPerson(system);
  const client = createPublicClient(system, CLIENT_ID, REDIRECT_URI);
  const browser = openBrowser(system.issuer);
  const signInPage = await browser.open(client.authorizationUrl());
  const credentials = { action: 'sign-in', username: person.name, password: person.password };
  const consent = await browser.submit(signInPage.url, credentials);
  await system.em.fork().execute("update auth.client set name = 'Your bank' where client_id = ?", [CLIENT_ID]);
  const form = { action: 'allow', shown: consent.fields.shown ?? '', scope: 'todos:read' };
  await expect
    .poll(async () => (await browser.open(consent.url)).text)
    .toContain('“Your bank” wants to use your todos');
  const again = await browser.submit(consent.url, form);
  expect(again.location).toBeUndefined();
  expect(again.text).toContain('The request has changed.');
});

test.each<[string, Partial<PublicResponse> | 'unreachable', string]>([
  ['cannot be reached', 'unreachable', 'cannot be fetched'],
  ['has the status 403', { status: 403 }, 'cannot be fetched'],
  ['is a redirect', { status: 302, headers: { location: 'https://elsewhere.example/' } }, 'cannot be fetched'],
  ['is HTML', { body: '<html>', headers: { 'content-type': 'text/html' } }, 'content-type: expected application/json'],
  ['is not JSON', { body: '{' }, 'expected a JSON object'],
  ['names another client id', json({ ...DOCUMENT, client_id: `${CLIENT_ID}?` }), 'client_id: expected the URL'],
  ['has a secret', json({ ...DOCUMENT, client_secret: 'x' }), 'client_secret: expected no secret'],
  [
    'wants a secret',
    json({ ...DOCUMENT, token_endpoint_auth_method: 'client_secret_basic' }),
    'none or private_key_jwt',
  ],
  ['has no redirect URI', json({ ...DOCUMENT, redirect_uris: [] }), 'at least one redirect URI'],
  ['has a script as redirect URI', json({ ...DOCUMENT, redirect_uris: ['javascript:alert(1)'] }), 'redirect_uris'],
  ['has a name that hides', json({ ...DOCUMENT, client_name: 'a\u202eb' }), 'client_name: expected a name'],
  ['has no name', json({ ...DOCUMENT, client_name: undefined }), 'client_name: expected a name'],
])('a document that %s is rejected on a page that says why', async (_name, page, message) => {
  const website = createWebsite({ [CLIENT_ID]: page });
  await using system = await startSystem({}, { fetchPublic: website.fetchPublic });
  const client = createPublicClient(system, CLIENT_ID, REDIRECT_URI);
  const shown = await openBrowser(system.issuer).open(client.authorizationUrl());
  expect({ status: shown.status, location: shown.location }).toEqual({ status: 400, location: undefined });
  expect(shown.text).toContain('This client cannot be used');
  expect(shown.text).toContain(message);
  expect(await system.em.fork().execute("select 1 from auth.client where kind = 'document'")).toEqual([]);
});

test('nothing in a document sets a property of yata, whatever the spelling of its address', async () => {
  const upper = CLIENT_ID.replace('https', 'HTTPS');
  const hostile = {
    ...DOCUMENT,
    kind: 'registered',
    scope: 'admin',
    scopes: ['admin'],
    allowed_scopes: ['admin'],
    resources: ['admin'],
    resource_server: 'mcp',
    secrets: [{ hash: 'x' }],
    grant_types: ['client_credentials'],
    one_token_at_a_time: true,
    default_max_age: 1,
  };
  const website = createWebsite({ [CLIENT_ID]: json(hostile), [upper]: json({ ...hostile, client_id: upper }) });
  await using system = await startSystem({}, { fetchPublic: website.fetchPublic });
  const person = await createPerson(system);
  const client = createPublicClient(system, CLIENT_ID, REDIRECT_URI);
  const response = await client.authorize(person, {
    parameters: { scope: 'admin todos:read', resource: system.mcpResource },
  });
  const tokens = parseTokens(await (await client.redeem(response.get('code') ?? '')).json());
  expect(tokens.scope).toBe('todos:read');
  const asProgram = await fetch(`${system.issuer}/oauth/token`, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'client_credentials', client_id: CLIENT_ID, scope: 'admin' }),
  });
  expect(await asProgram.json()).toMatchObject({ error: 'unauthorized_client' });
  for (const spelling of [upper, `${CLIENT_ID}/../client.json`, 'https://assistant.example:443/oauth/client.json']) {
    const shown = await openBrowser(system.issuer).open(
      createPublicClient(system, spelling, REDIRECT_URI).authorizationUrl(),
    );
    expect(shown.status).toBe(400);
  }
  expect(website.fetched).toEqual([CLIENT_ID]);
});

test('a client that signs its requests connects with the token endpoint as audience, as ChatGPT does', async () => {
  const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true });
  const jwks_uri = 'https://assistant.example/jwks.json';
  const website = createWebsite({
    [CLIENT_ID]: json({ ...DOCUMENT, token_endpoint_auth_method: 'private_key_jwt', jwks_uri }),
    [jwks_uri]: json({ keys: [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'RS256', use: 'sig', x5t: 'x' }] }),
  });
  await using system = await startSystem({}, { fetchPublic: website.fetchPublic });
  const person = await createPerson(system);
  const client = createPublicClient(system, CLIENT_ID, REDIRECT_URI);
  const code = (await client.authorize(person)).get('code') ?? '';
  const sign = (audience: string, jti: string) =>
    new SignJWT({ jti })
      .setProtectedHeader({ alg: 'RS256', kid: 'one' })
      .setIssuer(CLIENT_ID)
      .setSubject(CLIENT_ID)
      .setAudience(audience)
      .setIssuedAt()
      .setExpirationTime('1m')
      .sign(privateKey);
  const type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
  expect((await client.redeem(code)).status).toBe(401);
  const redeemed = await client.redeem(code, {
    client_assertion_type: type,
    client_assertion: await sign(`${system.issuer}/oauth/token`, 'one'),
  });
  const tokens = parseTokens(await redeemed.json());
  const refreshed = await client.refresh(tokens.refresh_token, {
    client_assertion_type: type,
    client_assertion: await sign(system.issuer, 'two'),
  });
  expect(refreshed.status).toBe(200);
  expect(website.fetched).toEqual([CLIENT_ID, jwks_uri]);
});

test('the copy of a known document serves when its host does not answer', async () => {
  await using system = await startSystem();
  const person = await createPerson(system);
  const id = 'https://claude.ai/oauth/claude-code-client-metadata';
  const client = createPublicClient(system, id, 'http://localhost:41000/callback');
  expect((await client.connect(person)).scope).toBe('todos:read todos:write');
});

test('a missing document, and keys that cannot be fetched, do not block the other documents of a host', async () => {
  const [missing, withoutKeys] = ['https://assistant.example/missing', 'https://assistant.example/keys.json'];
  const website = createWebsite({
    [CLIENT_ID]: json(DOCUMENT),
    [missing]: { status: 404 },
    [withoutKeys]: json({
      ...DOCUMENT,
      client_id: withoutKeys,
      token_endpoint_auth_method: 'private_key_jwt',
      jwks_uri: 'https://keys.example/jwks',
    }),
    'https://keys.example/jwks': { status: 500, body: '{"keys":[]}' },
  });
  await using system = await startSystem({}, { fetchPublic: website.fetchPublic });
  const browser = openBrowser(system.issuer);
  const open = (id: string) => browser.open(createPublicClient(system, id, REDIRECT_URI).authorizationUrl());
  for (const id of [missing, withoutKeys]) {
    const page = await open(id);
    expect([page.status, page.text]).toEqual([400, expect.stringContaining('or its keys cannot be fetched')]);
  }
  expect((await open(CLIENT_ID)).text).toContain('<h1>Sign in</h1>');
  // each failure is remembered
  const { length } = website.fetched;
  await open(missing);
  expect(website.fetched).toHaveLength(length);
});

test('an operator chooses whose documents are accepted', async () => {
  const website = createWebsite({ [CLIENT_ID]: json(DOCUMENT) });
  for (const [policy, status, supported] of [
    ['other.example', 400, true],
    ['off', 400, undefined],
    ['other.example, assistant.example', 200, true],
  ] as const) {
    await using system = await startSystem(
      { AUTH_CLIENT_METADATA_DOCUMENTS: policy },
      { fetchPublic: website.fetchPublic },
    );
    const client = createPublicClient(system, CLIENT_ID, REDIRECT_URI);
    expect((await openBrowser(system.issuer).open(client.authorizationUrl())).status).toBe(status);
    const metadata = await (await fetch(`${system.issuer}/.well-known/oauth-authorization-server`)).json();
    expect(metadata).toHaveProperty('issuer');
    expect(Object(metadata).client_id_metadata_document_supported).toBe(supported);
  }
});

test('one address can name twenty new documents in an hour, and a picture on another site makes auth fetch none', async () => {
  const website = createWebsite({});
  await using system = await startSystem({}, { fetchPublic: website.fetchPublic });
  const open = (id: string, headers = {}) =>
    fetch(createPublicClient(system, id, REDIRECT_URI).authorizationUrl(), {
      headers: { accept: 'text/html', ...headers },
      redirect: 'manual',
    });
  expect((await open(CLIENT_ID, { 'sec-fetch-dest': 'image' })).status).toBe(400);
  expect(website.fetched).toEqual([]);
  // failures of one host are remembered, so that only the first one is fetched
  const statuses = await Promise.all(
    Array.from({ length: 25 }, async (_, index) => (await open(`https://assistant.example/${index}`)).status),
  );
  expect(statuses.filter((status) => status === 429)).toHaveLength(5);
  const limited = await open('https://assistant.example/26');
  expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(3_000);
});
