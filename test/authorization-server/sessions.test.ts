import { afterAll, beforeAll, expect, test } from 'vitest';
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

test('a change of the authenticators says why it is rejected', async () => {
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
