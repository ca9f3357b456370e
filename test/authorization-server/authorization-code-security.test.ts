import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openBrowser } from '../support/browser.ts';
import { openAdministration } from '../support/open-administration.ts';
import { createPerson, openAccount, type Person, signIn } from '../support/persons.ts';
import { answerConsent, parseTokens, registerPublicClient } from '../support/public-client.ts';
import { type System, startSystem } from '../support/start-system.ts';

let system: System;
let person: Person;
beforeAll(async () => {
  // each browser of a test has an address of its own, so that no limit of one address is reached
  system = await startSystem({ AUTH_TRUSTED_PROXIES: 'loopback' });
  person = await createPerson(system);
});
afterAll(() => system[Symbol.asyncDispose]());

const HTTPS = 'https://stranger.example/callback';
const register = (metadata: Record<string, unknown> = {}) => registerPublicClient(system, metadata);
let address = 0;
const fromAnotherAddress = () => {
  address += 1;
  return { 'x-forwarded-for': `203.0.113.${address % 250}` };
};
const get = (url: string, headers = {}) =>
  fetch(url, { redirect: 'manual', headers: { accept: 'text/html', ...fromAnotherAddress(), ...headers } });

test.each<[string, Record<string, string | undefined>]>([
  ['no response type', { response_type: undefined }],
  ['another response type', { response_type: 'token' }],
  ['no code challenge', { code_challenge: undefined }],
  ['the plain method', { code_challenge_method: 'plain' }],
  ['an unknown resource', { resource: 'https://elsewhere.example' }],
  ['prompt=none', { prompt: 'none' }],
  ['a request object', { request: 'eyJhbGciOiJub25lIn0.e30.' }],
  ['form_post', { response_mode: 'form_post', response_type: 'token' }],
  ['fragment', { response_mode: 'fragment', response_type: 'token' }],
  ['query.jwt', { response_mode: 'query.jwt' }],
  ['a long state', { state: 'x'.repeat(1_001) }],
])('an anonymous request with %s does not lead to the site of a stranger', async (_name, parameters) => {
  const client = await register({ redirect_uris: [HTTPS] });
  const response = await get(client.authorizationUrl(parameters));
  const text = await response.text();
  expect(response.status).toBe(400);
  expect(response.headers.get('location')).toBeNull();
  // no form that a script could send, and no script
  expect(text).not.toMatch(/<form|<script|http-equiv/);
  expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
  expect(response.headers.get('x-frame-options')).toBe('DENY');
});

test('an error goes to a client on this computer at once, with iss', async () => {
  const client = await register();
  const response = await get(client.authorizationUrl({ code_challenge_method: 'plain' }));
  expect(response.status).toBe(303);
  const location = new URL(response.headers.get('location') ?? '');
  expect(location.hostname).toBe('127.0.0.1');
  expect(Object.fromEntries(location.searchParams)).toMatchObject({
    error: 'invalid_request',
    state: 'the state',
    iss: system.issuer,
  });
});

test('repeated parameters are rejected on a page', async () => {
  const client = await register({ redirect_uris: [HTTPS] });
  for (const more of ['&response_mode=query&response_mode=form_post', `&redirect_uri=${HTTPS}`, '&client_id=x']) {
    const response = await get(client.authorizationUrl() + more);
    expect({ status: response.status, location: response.headers.get('location') }).toEqual({
      status: 400,
      location: null,
    });
  }
});

test('a redirect URI that is not registered is never used', async () => {
  const client = await register({ redirect_uris: [HTTPS] });
  for (const redirect_uri of [
    'https://stranger.example/callback/',
    'https://stranger.example/callback?x',
    'https://stranger.example:8443/callback',
    'https://stranger.example@evil.example/callback',
    'http://127.0.0.1/callback',
    'javascript:alert(1)',
  ]) {
    const response = await get(client.authorizationUrl({ redirect_uri }));
    expect({ status: response.status, location: response.headers.get('location') }).toEqual({
      status: 400,
      location: null,
    });
    expect(await response.text()).toContain('This client may not use this address');
  }
});

test('the address at which a request goes on leads nowhere without that request', async () => {
  const [web, local] = [await register({ redirect_uris: [HTTPS] }), await register()];
  for (const [client, redirectUri] of [
    [web, HTTPS],
    [local, local.redirectUri],
  ] as const)
    for (const method of ['GET', 'HEAD']) {
      const query = new URLSearchParams({ client_id: client.id, redirect_uri: redirectUri });
      const url = `${system.issuer}/oauth/authorize/abc`;
      for (const address of [`${url}?${query}`, url]) {
        const response = await fetch(address, { method, redirect: 'manual', headers: fromAnotherAddress() });
        expect({ status: response.status, location: response.headers.get('location') }).toEqual({
          status: 400,
          location: null,
        });
      }
    }
});

test('parameters that cannot be stored are rejected', async () => {
  const client = await register();
  for (const name of ['state', 'login_hint', 'ui_locales', 'display']) {
    const response = await get(client.authorizationUrl({ [name]: 'a\0b' }));
    expect(response.status).toBe(400);
    expect(await response.text()).toContain(`${name}: expected no NUL`);
  }
});

test('a code is redeemed at most once, by its client, with its verifier, redirect URI and resource', async () => {
  const [client, other] = [await register(), await register({ client_name: 'Another' })];
  const code = async () => (await client.authorize(person)).get('code') ?? '';
  const status = async (response: Response) => ({ status: response.status, body: await response.json() });
  const rejected = { status: 400, body: expect.objectContaining({ error: 'invalid_grant' }) };
  expect(await status(await other.redeem(await code()))).toEqual(rejected);
  expect(await status(await client.redeem(await code(), { code_verifier: 'v'.repeat(43) }))).toEqual(rejected);
  expect(await status(await client.redeem(await code(), { redirect_uri: 'http://127.0.0.1:1/callback' }))).toEqual(
    rejected,
  );
  expect(await status(await client.redeem(await code(), { resource: system.apiResource }))).toMatchObject({
    status: 400,
    body: { error: 'invalid_target' },
  });
  expect(await status(await client.redeem((await code()).slice(1)))).toEqual(rejected);
  const once = await code();
  const redeemed = await Promise.all(Array.from({ length: 4 }, () => client.redeem(once)));
  const statuses = redeemed.map((response) => response.status).toSorted();
  // the first one is rejected too if another one ends the connection before it has its tokens
  expect([
    [200, 400, 400, 400],
    [400, 400, 400, 400],
  ]).toContainEqual(statuses);
});

test('a code that is redeemed again later ends the connection', async () => {
  const client = await register({ client_name: 'code reuse' });
  const code = (await client.authorize(person)).get('code') ?? '';
  const tokens = parseTokens(await (await client.redeem(code)).json());
  expect((await client.redeem(code)).status).toBe(400);
  expect((await client.refresh(tokens.refresh_token)).status).toBe(400);
});

test('a code of a connection that was taken back is worth nothing', async () => {
  const client = await register({ client_name: 'taken back before' });
  const code = (await client.authorize(person)).get('code') ?? '';
  const administration = await openAdministration(system);
  const revoked = await administration.send('DELETE', `/connections?client_id=${client.id}`);
  expect(await revoked.json()).toMatchObject({ revoked: [expect.stringMatching(/^con_/)] });
  // another consent does not bring it back
  await client.authorize(person);
  expect((await client.redeem(code)).status).toBe(400);
});

test('a public client gets no token by itself, and no stranger reaches the scope admin', async () => {
  const client = await register({ scope: 'admin', grant_types: ['client_credentials'], resources: ['x'] });
  const post = async (parameters: Record<string, string>) => {
    const body = new URLSearchParams({ client_id: client.id, ...parameters });
    return (await fetch(`${system.issuer}/oauth/token`, { method: 'POST', body })).json();
  };
  expect(await post({ grant_type: 'client_credentials' })).toMatchObject({ error: 'unauthorized_client' });
  const { access_token } = await client.connect(person);
  expect(
    await post({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: access_token,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    }),
  ).toMatchObject({ error: 'unauthorized_client' });
  const page = await openBrowser(system.issuer).open(
    client.authorizationUrl({ resource: `${system.issuer}/admin`, scope: 'admin' }),
  );
  expect(new URL(page.location ?? '').searchParams.get('error')).toBe('invalid_target');
  const tokens = parseTokens(
    await (
      await client.redeem(
        (await client.authorize(person, { parameters: { scope: 'admin openid offline_access' } })).get('code') ?? '',
      )
    ).json(),
  );
  expect(tokens.scope).toBe('todos:read todos:write');
  expect(tokens).not.toHaveProperty('id_token');
  const admin = await fetch(`${system.issuer}/admin/clients`, {
    headers: { authorization: `Bearer ${tokens.access_token}` },
  });
  expect(admin.status).toBe(401);
});

test('a form that another site sends changes nothing', async () => {
  const client = await register();
  const browser = openBrowser(system.issuer);
  const consent = await signIn(browser, await browser.open(client.authorizationUrl()), person);
  for (const origin of ['https://evil.example', 'null', '']) {
    const headers = { origin };
    const form = { action: 'allow', shown: consent.fields.shown ?? '', scope: 'todos:read' };
    expect((await browser.submit(consent.url, form, { headers })).status).toBe(403);
    expect((await browser.submit('/sign-in', { username: 'Ada', password: 'x' }, { headers })).status).toBe(403);
    expect((await browser.submit('/welcome', { token: 'x' }, { headers })).status).toBe(403);
  }
  const account = await openAccount(system, person);
  for (const path of ['take-back', 'password', 'remove', 'end-sessions']) {
    const foreign = await account.browser.submit(`/account/${path}`, account.page.fields, {
      headers: { origin: 'https://evil.example' },
    });
    expect(foreign.status).toBe(403);
    const withoutToken = await account.browser.submit(`/account/${path}`, { form_token: 'x', client: client.id });
    expect(withoutToken.status).toBe(403);
  }
});

test('no page is shown in a frame, and none is stored', async () => {
  const client = await register();
  const browser = openBrowser(system.issuer);
  const pages = [
    await browser.open(client.authorizationUrl()),
    await browser.open('/welcome'),
    (await openAccount(system, person)).page,
  ];
  pages.push(await signIn(browser, pages[0] as (typeof pages)[number], person));
  for (const { headers } of pages)
    expect(Object.fromEntries(headers)).toMatchObject({
      'content-security-policy': expect.stringContaining("frame-ancestors 'none'"),
      'x-frame-options': 'DENY',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'same-origin',
      'cache-control': 'no-store',
    });
  // Chromium applies form-action to the redirect back to the client
  expect(pages[3]?.headers.get('content-security-policy')).not.toContain('form-action');
});

test('a consent that begins in one browser cannot be given in another', async () => {
  const client = await register();
  const [attacker, victim] = [openBrowser(system.issuer), openBrowser(system.issuer)];
  const begun = await signIn(attacker, await attacker.open(client.authorizationUrl()), person);
  const other = await createPerson(system, 'victim');
  await victim.submit('/sign-in', { username: other.name, password: other.password });
  expect((await victim.open(begun.url)).status).toBe(400);
  expect((await answerConsent(victim, begun)).location).toBeUndefined();
});

test('a second click on Allow makes no second connection', { repeats: 4 }, async () => {
  const client = await register({ client_name: `double click ${randomUUID()}` });
  const browser = openBrowser(system.issuer);
  const consent = await signIn(browser, await browser.open(client.authorizationUrl()), person);
  const answers = await Promise.all([answerConsent(browser, consent), answerConsent(browser, consent)]);
  expect(answers.filter(({ location }) => location?.includes('code='))).toHaveLength(1);
  expect(await system.em.fork().execute('select 1 from auth.connection where client_id = ?', [client.id])).toHaveLength(
    1,
  );
  expect((await answerConsent(browser, consent)).text).toContain('This page has expired, or was completed before');
});

test('the session gets a new id at sign-in, and a cookie that was set before is worth nothing', async () => {
  const browser = openBrowser(system.issuer);
  await browser.submit('/sign-in', { username: person.name, password: person.password });
  const [first] = [...browser.cookies.values()].filter(({ name }) => name === 'yata_session');
  const copied = new Map(browser.cookies);
  await browser.submit('/sign-in', { username: person.name, password: person.password });
  const [second] = [...browser.cookies.values()].filter(({ name }) => name === 'yata_session');
  expect(second?.value).not.toBe(first?.value);
  const old = openBrowser(system.issuer);
  for (const [key, cookie] of copied) old.cookies.set(key, cookie);
  expect((await old.open('/account')).text).toContain('<h1>Sign in</h1>');
});

test('a session cookie that was copied on loopback is worth nothing after the browser went on to the program', async () => {
  const client = await register();
  const browser = openBrowser(system.issuer);
  const consent = await signIn(browser, await browser.open(client.authorizationUrl()), person);
  const copied = new Map(browser.cookies);
  expect((await answerConsent(browser, consent)).location).toContain('code=');
  const thief = openBrowser(system.issuer);
  for (const [key, cookie] of copied) thief.cookies.set(key, cookie);
  expect((await thief.open('/account')).text).toContain('<h1>Sign in</h1>');
  expect((await thief.open(client.authorizationUrl())).text).toContain('<h1>Sign in</h1>');
});

test('a person whose account was disabled gives no consent', async () => {
  const own = await createPerson(system, 'disabled at consent');
  const client = await register();
  const browser = openBrowser(system.issuer);
  const consent = await signIn(browser, await browser.open(client.authorizationUrl()), own);
  const administration = await openAdministration(system);
  await administration.send('PATCH', `/users/${own.id}`, { active: false });
  for (const page of [await browser.open(consent.url), await answerConsent(browser, consent)])
    expect([page.status, page.text]).toEqual([400, expect.stringContaining('This page has expired')]);
});

test('a person switches the account, and signs in again where the client asks for it', async () => {
  const client = await register();
  const other = await createPerson(system, 'Grace');
  const browser = openBrowser(system.issuer);
  await signIn(browser, await browser.open(client.authorizationUrl()), person);
  const asked = await browser.open(client.authorizationUrl({ prompt: 'login' }));
  expect(asked.text).toContain('<h1>Sign in</h1>');
  const consent = await signIn(browser, asked, person);
  expect(consent.text).toContain('Ada');
  const again = await browser.submit(consent.url, { action: 'other-account' });
  expect(again.text).toContain('<h1>Sign in</h1>');
  const asOther = await signIn(browser, again, other);
  expect(asOther.text).toContain('Grace');
  expect((await answerConsent(browser, asOther)).location).toContain('code=');
});

test('two authorization requests of one browser can both be completed', async () => {
  const [one, two] = [
    await register({ client_name: 'tab one', redirect_uris: ['https://one.example/callback'] }),
    await register({ client_name: 'tab two', redirect_uris: ['https://two.example/callback'] }),
  ];
  const browser = openBrowser(system.issuer);
  await browser.submit('/sign-in', { username: person.name, password: person.password });
  const pages = [await browser.open(one.authorizationUrl()), await browser.open(two.authorizationUrl())];
  expect(pages.map(({ text }) => /“tab (one|two)”/.exec(text)?.[1])).toEqual(['one', 'two']);
  for (const page of pages) expect((await answerConsent(browser, page)).location).toContain('code=');
});

test('sixty authorization requests without a session come from one address in ten minutes, and no more', async () => {
  const client = await register();
  const headers = { 'x-forwarded-for': '198.51.100.7' };
  const send = () => fetch(client.authorizationUrl(), { redirect: 'manual', headers });
  const statuses = await Promise.all(Array.from({ length: 65 }, async () => (await send()).status));
  expect(statuses.filter((status) => status === 429)).toHaveLength(5);
  const limited = await send();
  expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(500);
  // a cookie that is no session changes nothing
  const pretended = await fetch(client.authorizationUrl(), {
    redirect: 'manual',
    headers: { ...headers, cookie: 'yata_session=a; yata_session.sig=b' },
  });
  expect(pretended.status).toBe(429);
  expect((await get(client.authorizationUrl())).status).toBe(303);
});
