import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLink, createSetupLink } from '../../auth/one-time-links/one-time-links.ts';
import { type Browser, openBrowser } from '../support/browser.ts';
import { openAdministration } from '../support/open-administration.ts';
import { createPerson, openAccount, type Person } from '../support/persons.ts';
import { registerPublicClient } from '../support/public-client.ts';
import { type System, startSystem } from '../support/start-system.ts';

let system: System;
let person: Person;
beforeAll(async () => {
  system = await startSystem({ AUTH_TRUSTED_PROXIES: 'loopback' });
  person = await createPerson(system);
});
afterAll(() => system[Symbol.asyncDispose]());

const isSignedIn = async (browser: Browser) => !(await browser.open('/account')).text.includes('<h1>Sign in</h1>');
const tokenOf = (link: { url: string } | undefined) => link?.url.split('#')[1] ?? '';

function copyOf(browser: Browser): Browser {
  const copy = openBrowser(system.issuer);
  for (const [key, cookie] of browser.cookies) copy.cookies.set(key, cookie);
  return copy;
}

test('a session that ended stays ended, although a request was about to store it', async () => {
  const client = await registerPublicClient(system);
  for (let round = 0; round < 5; round++) {
    const { browser, page } = await openAccount(system, person);
    const copy = copyOf(browser);
    const url = client.authorizationUrl({ prompt: 'none' });
    const requests = Array.from({ length: 6 }, () => copy.open(url));
    await browser.submit('/sign-out', { form_token: page.fields.form_token ?? '' });
    await Promise.all(requests);
    expect(await isSignedIn(copy)).toBe(false);
  }
});

test('a change of the ways in says why it is rejected', async () => {
  const own = await createPerson(system, 'Katherine');
  const { browser, page } = await openAccount(system, own);
  const { form_token = '' } = page.fields;
  const remove = (current_password: string, fields: Record<string, string> = {}) =>
    browser.submit('/account/remove', { form_token, current_password, ...fields });
  const missing = await remove(own.password, { passkey: 'removed in another tab' });
  expect([missing.status, missing.text]).toEqual([400, expect.stringContaining('It was removed before.')]);
  const last = await remove(own.password, { password: 'yes' });
  expect([last.status, last.text]).toEqual([400, expect.stringContaining('This is your last way to sign in.')]);
  for (let attempt = 0; attempt < 10; attempt++) {
    const wrong = await remove('wrong');
    expect([wrong.status, wrong.text]).toEqual([401, expect.stringContaining('The current password is wrong.')]);
  }
  const limited = await remove(own.password);
  expect([limited.status, limited.text]).toEqual([429, expect.stringContaining('Signing in failed too often')]);
  expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(0);
  const byScript = await browser.post('/account/remove', { form_token, current_password: own.password });
  expect(byScript.status).toBe(429);
  expect(Object(await byScript.json()).message).toMatch(/^Signing in failed too often\. Try again in \d+ seconds\.$/);
});

test('ending all other sessions keeps this one alone', async () => {
  const [one, two] = [await openAccount(system, person), await openAccount(system, person)];
  expect(await isSignedIn(two.browser)).toBe(true);
  const done = await one.browser.submit('/account/end-sessions', { form_token: one.page.fields.form_token ?? '' });
  expect(done.text).toContain('Every other session has ended.');
  expect(await isSignedIn(one.browser)).toBe(true);
  expect(await isSignedIn(two.browser)).toBe(false);
});

test('a change of the password needs the current one, and ends the other sessions', async () => {
  const own = await createPerson(system, 'changes');
  const [one, two] = [await openAccount(system, own), await openAccount(system, own)];
  const form = { form_token: one.page.fields.form_token ?? '', new_password: 'another long password' };
  const wrong = await one.browser.submit('/account/password', { ...form, current_password: 'not this one' });
  expect(wrong).toMatchObject({ status: 401, text: expect.stringContaining('The current password is wrong') });
  const short = await one.browser.submit('/account/password', { ...form, new_password: 'short' });
  expect(short.text).toContain('choose one of at least 12');
  const changed = await one.browser.submit('/account/password', { ...form, current_password: own.password });
  expect(changed.text).toContain('The password is set.');
  expect(await isSignedIn(two.browser)).toBe(false);
  expect((await openAccount(system, own)).page.text).toContain('<h1>Sign in</h1>');
  expect((await openAccount(system, { ...own, password: 'another long password' })).page.text).toContain(
    'Assistants with access',
  );
});

test('disabling an account ends its sessions and connections, and says nothing about it at sign-in', async () => {
  const own = await createPerson(system, 'disabled person');
  const client = await registerPublicClient(system);
  const tokens = await client.connect(own);
  const { browser } = await openAccount(system, own);
  const administration = await openAdministration(system);
  const disabled = await administration.send('PATCH', '/users/disabled%20person', { active: false });
  expect(await disabled.json()).toMatchObject({ active: false, revocation: { sequence: expect.any(Number) } });
  expect(await isSignedIn(browser)).toBe(false);
  expect((await client.refresh(tokens.refresh_token)).status).toBe(400);
  const refused = (await openAccount(system, own)).page;
  const unknown = (await openAccount(system, { ...own, name: 'unknown person' })).page;
  expect({ status: refused.status, text: refused.text.replace('disabled person', 'unknown person') }).toEqual({
    status: unknown.status,
    text: unknown.text,
  });
});

test('ten wrong passwords limit a name at an address, also when they come at once', async () => {
  const own = await createPerson(system, 'guessed');
  const guess = (password: string) =>
    openBrowser(system.issuer).submit(
      '/sign-in',
      { username: own.name, password },
      { headers: { 'x-forwarded-for': '198.51.100.9' } },
    );
  const first = await Promise.all(Array.from({ length: 15 }, (_, index) => guess(`a wrong password ${index}`)));
  expect(first.filter(({ status }) => status === 401)).toHaveLength(10);
  const correct = await guess(own.password);
  expect(correct.status).toBe(429);
  expect(correct.text).toContain('Signing in failed too often. Try again in ');
  expect(Number(correct.headers.get('retry-after'))).toBeGreaterThan(0);
  // at another address the person signs in
  expect((await openAccount(system, own)).page.status).toBe(200);
});

test('a one-time link is opened by a POST, works once, and ends after its time', async () => {
  const link = await createLink(system.em.fork(), system.issuer, { kind: 'invitation', displayName: 'Invited' });
  const token = tokenOf(link);
  const browser = openBrowser(system.issuer);
  for (let get = 0; get < 2; get++) expect((await browser.open('/welcome')).status).toBe(200);
  const shown = await browser.submit('/welcome', { token });
  expect(shown.fields).toMatchObject({ username: 'Invited', token });
  // showing the form uses nothing up
  const form = { token, username: 'Invited', password: 'a long password of Invited' };
  const answers = await Promise.all(
    Array.from({ length: 4 }, () => openBrowser(system.issuer).submit('/welcome', form)),
  );
  expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 400, 400, 400]);
  expect((await browser.submit('/welcome', { token })).text).toContain('This link is not valid');
  const expired = await createLink(system.em.fork(), system.issuer, { kind: 'invitation', hours: 1 });
  await system.em.fork().execute("update auth.one_time_link set expires_at = now() - interval '1 second'");
  expect((await browser.submit('/welcome', { token: tokenOf(expired) })).status).toBe(400);
  const stored = JSON.stringify(await system.em.fork().execute('select * from auth.one_time_link'));
  expect(stored).not.toContain(tokenOf(expired));
});

test('a link for the first account works until there is one', async () => {
  await using empty = await startSystem();
  const [one, two] = [
    await createSetupLink(empty.em.fork(), empty.issuer),
    await createSetupLink(empty.em.fork(), empty.issuer),
  ];
  const use = (link: { url: string } | undefined, name: string) =>
    openBrowser(empty.issuer).submit('/welcome', { token: tokenOf(link), username: name, password: 'a long password' });
  const answers = await Promise.all([use(one, 'One'), use(two, 'Two')]);
  expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 400]);
  expect(await createSetupLink(empty.em.fork(), empty.issuer)).toBeUndefined();
});

test('a user name that looks like another one, or like an id, is not accepted', async () => {
  await createPerson(system, 'Émile');
  const make = async (username: string) => {
    const link = await createLink(system.em.fork(), system.issuer, { kind: 'invitation' });
    const form = { token: tokenOf(link), username, password: 'a password that is long' };
    const page = await openBrowser(system.issuer).submit('/welcome', form);
    return page.status;
  };
  expect(await make('émile')).toBe(409);
  expect(await make('E\u0301MILE')).toBe(409);
  for (const name of [
    'usr_abc',
    'USR_abc',
    'Émile\ufe0f',
    'Émile\u3164',
    '\u2800',
    'a\u202eb',
    ' a',
    '',
    'ﷺ'.repeat(64),
    'a\0',
    'x'.repeat(65),
  ])
    expect({ name, status: await make(name) }).toEqual({ name, status: 400 });
});

test('requests of a wrong form cause no fault', async () => {
  const { browser, page } = await openAccount(system, person);
  const form_token = page.fields.form_token ?? '';
  const object = { toString: 1, valueOf: 1 };
  const credential = { id: '\0', response: { clientDataJSON: 'e30' } };
  for (const [path, body] of [
    ['/sign-in/passkey', { credential }],
    ['/sign-in/passkey', {}],
    ['/welcome/passkey-options', { token: object, username: object }],
    ['/welcome/passkey', { token: 'x', username: 'x', keep: [object], credential }],
    ['/account/passkey-options', { form_token: object }],
    ['/account/passkey', { form_token, name: object, current_password: object, credential }],
    ['/account/remove', { form_token, passkey: object, current_password: object }],
    ['/account/password', { form_token, new_password: object }],
  ] as const) {
    const response = await browser.post(path, body);
    expect(response.status, path).toBeGreaterThanOrEqual(400);
    expect(response.status, path).toBeLessThan(500);
    expect(Object(await response.json()).message).toEqual(expect.any(String));
  }
  for (const fields of [{ connection: '\0' }, { client: '\0' }, {}] as Record<string, string>[])
    expect((await browser.submit('/account/take-back', { form_token, ...fields })).status).toBe(400);
  const administration = await openAdministration(system);
  for (const query of ['client_id=%00', 'username=', 'unknown=1'])
    expect((await administration.send('GET', `/connections?${query}`)).status).toBeLessThan(500);
  for (const query of ['id=%00', 'client_id=%00', ''])
    expect((await administration.send('DELETE', `/connections?${query}`)).status).toBe(400);
});

test('an administrator cannot give the client of persons what its kind does not have', async () => {
  const client = await registerPublicClient(system);
  const administration = await openAdministration(system);
  for (const changes of [{ scope: 'admin' }, { one_token_at_a_time: true }])
    expect((await administration.send('PATCH', `/clients/${client.id}`, changes)).status).toBe(400);
  const created = await administration.send('POST', '/clients', {
    client_name: 'Public',
    scope: 'todos:read',
    token_endpoint_auth_method: 'none',
    redirect_uris: ['http://localhost/callback'],
    resources: [`${system.issuer}/admin`],
  });
  expect(created.status).toBe(400);
});

test('an account is administered by its name and by its id', async () => {
  const own = await createPerson(system, 'Named');
  const administration = await openAdministration(system);
  for (const name of ['Named', 'NAMED', own.id])
    expect(await (await administration.send('GET', `/users/${name}`)).json()).toMatchObject({ id: own.id });
  expect((await administration.send('GET', `/users/${own.id.slice(0, -1)}`)).status).toBe(404);
  expect((await administration.send('POST', '/invitations', { username: 'named' })).status).toBe(409);
  const invited = await administration.send('POST', '/invitations', { username: 'New one', hours: 2 });
  expect(await invited.json()).toMatchObject({ url: expect.stringMatching(/\/welcome#[A-Za-z0-9_-]{43}$/) });
  const deleted = await administration.send('DELETE', `/users/${own.id}`);
  expect(deleted.status).toBe(200);
  expect((await openAccount(system, own)).page.status).toBe(401);
  const audit = JSON.stringify(await (await administration.send('GET', '/audit?limit=20')).json());
  for (const action of ['user.invite', 'user.delete', 'user.create']) expect(audit).toContain(action);
  expect(audit).not.toMatch(/welcome#/);
});
