import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import axe from 'axe-core';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { createLink, createSetupLink } from '../../auth/one-time-links/one-time-links.ts';
import { findChromium, launchChromium, NO_CHROMIUM } from '../../shared/testing/chromium.ts';
import { skipOutsideCi } from '../../shared/testing/skip-outside-ci.ts';
import { createPerson } from '../support/persons.ts';
import { createPublicClient, type PublicClient, registerPublicClient } from '../support/public-client.ts';
import { type System, startSystem } from '../support/start-system.ts';

// the pages for persons in headless Chromium
vi.setConfig({ testTimeout: 90_000 });

const executablePath = findChromium();

let system: System;
let browser: Browser;
beforeAll(async () => {
  if (executablePath === undefined) return;
  system = await startSystem({ AUTH_TRUSTED_PROXIES: 'loopback' }, { host: 'localhost' });
  browser = await launchChromium(executablePath);
});
beforeEach(({ skip }) => {
  if (executablePath === undefined) skipOutsideCi(skip, NO_CHROMIUM);
});
afterAll(async () => {
  await browser?.close();
  await system?.[Symbol.asyncDispose]();
});

/** Opens a browser profile in which every problem that the browser reports is kept. */
async function openProfile(options: BrowserContextOptions = {}) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const problems: string[] = [];
  page.on('console', (message) => {
    // Chromium logs each response from 400 on
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      problems.push(message.text());
  });
  page.on('pageerror', (error) => problems.push(String(error)));
  return { context, page, problems, [Symbol.asyncDispose]: () => context.close() };
}

/** Adds a security key to a page that answers by itself. */
async function addAuthenticator(context: BrowserContext, page: Page): Promise<void> {
  const session = await context.newCDPSession(page);
  await session.send('WebAuthn.enable');
  await session.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
}

/** Listens on loopback as an assistant does, and resolves with the parameters of the authorization response. */
async function listenForCode(host: string) {
  const { promise: received, resolve } = Promise.withResolvers<URLSearchParams>();
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://localhost');
    if (url.pathname === '/callback') resolve(url.searchParams);
    response.end('You can close this page.');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    redirectUri: `http://${host}:${port}/callback`,
    received,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function expectAccessible(page: Page): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await page.evaluate(axe.source);
    const { violations, incomplete } = (await page.evaluate(
      "axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })",
    )) as axe.AxeResults;
    const describe = ({ id, nodes }: axe.Result) => `${colorScheme} ${id}: ${nodes.map(({ html }) => html).join(' ')}`;
    expect([...violations, ...incomplete].map(describe)).toEqual([]);
  }
}

/** Expects that a narrow page needs no scrolling to the side. */
async function expectFits(page: Page): Promise<void> {
  const viewport = page.viewportSize();
  await page.setViewportSize({ width: 320, height: 600 });
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(320);
  if (viewport !== null) await page.setViewportSize(viewport);
}

async function redeem(client: PublicClient, response: URLSearchParams) {
  expect(response.get('iss')).toBe(system.issuer);
  return (await client.redeem(response.get('code') ?? '')).status;
}

test('a person makes the first account with a passkey, lets an assistant in, and takes the access back', async () => {
  await using profile = await openProfile();
  const { context, page, problems } = profile;
  await addAuthenticator(context, page);
  const link = await createSetupLink(system.em.fork(), system.issuer);
  await page.goto(link?.url ?? '');
  await page.getByLabel('User name').fill('Ada Lovelace');
  // the address no longer shows the token
  expect(page.url()).toBe(`${system.issuer}/welcome`);
  await expectAccessible(page);
  await expectFits(page);
  await page.getByRole('button', { name: 'Continue with a passkey' }).click();
  await page.getByRole('heading', { name: 'Ada Lovelace' }).waitFor();
  await expectAccessible(page);

  await using assistant = await listenForCode('localhost');
  const client = await registerPublicClient(system, { redirect_uris: [assistant.redirectUri] });
  await page.goto(client.authorizationUrl());
  await page.getByRole('heading', { name: '“An assistant” wants to use your todos' }).waitFor();
  await expectAccessible(page);
  await expectFits(page);
  await page.getByLabel('Create, change and delete todos').uncheck();
  await page.getByRole('button', { name: 'Allow' }).click();
  const response = await assistant.received;
  await page.getByText('You can close this page.').waitFor();
  const tokens = await (await client.redeem(response.get('code') ?? '')).json();
  expect(tokens).toMatchObject({ scope: 'todos:read', token_type: 'Bearer' });

  // the program on localhost got the cookies of this browser, so the session has ended
  await page.goto(`${system.issuer}/account`);
  await expectAccessible(page);
  await expectFits(page);
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await page.getByText('It may: see todos.').waitFor();
  await expectAccessible(page);
  await expectFits(page);
  await page.getByRole('button', { name: 'End all other sessions' }).click();
  await page.getByText(/^signed in .* with a passkey/).waitFor();
  await page.getByRole('button', { name: /^Take back/ }).click();
  await page.getByText(/^Taken back\. Confirmed by 2 of 2 resource servers in \d+ ms\.$/).waitFor();
  await page.getByText('None. Add the address').waitFor();
  expect(problems).toEqual([]);
});

test('a person uses a password without scripts, and the answer goes to another site', async () => {
  const person = await createPerson(system, 'Grace');
  await using profile = await openProfile({ javaScriptEnabled: false });
  const { context, page } = profile;
  const redirectUri = 'https://assistant.example/callback';
  const { promise: received, resolve } = Promise.withResolvers<URLSearchParams>();
  await context.route('https://assistant.example/**', (route) => {
    resolve(new URL(route.request().url()).searchParams);
    return route.fulfill({ body: 'Connected' });
  });
  const client = await registerPublicClient(system, { client_name: 'Web', redirect_uris: [redirectUri] });
  await page.goto(client.authorizationUrl());
  expect(await page.getByRole('button').allTextContents()).toEqual(['Sign in with a password']);
  await page.getByLabel('User name').fill(person.name);
  await page.getByLabel('Password').fill('wrong');
  await page.getByRole('button', { name: 'Sign in with a password' }).click();
  await page.getByText('The user name or the password is wrong').waitFor();
  await page.getByLabel('Password').fill(person.password);
  await page.getByRole('button', { name: 'Sign in with a password' }).click();
  await page.getByText('assistant.example', { exact: true }).waitFor();
  await page.getByText('Anyone can register a client with any name.').waitFor();
  await page.getByRole('button', { name: 'Allow' }).click();
  expect(await redeem(client, await received)).toBe(200);
  await page.getByText('Connected').waitFor();
  // another site gets no cookie, so the person stays signed in
  await page.goto(`${system.issuer}/account`);
  await page.getByRole('heading', { name: 'Grace' }).waitFor();
});

test('a person refuses by the keyboard alone', async () => {
  const person = await createPerson(system, 'Edsger');
  await using profile = await openProfile();
  const { page, problems } = profile;
  await using assistant = await listenForCode('127.0.0.1');
  const client = await registerPublicClient(system, { client_name: 'Keys', redirect_uris: [assistant.redirectUri] });
  await page.goto(client.authorizationUrl());
  await page.getByLabel('User name').focus();
  await page.keyboard.type(person.name);
  await page.keyboard.press('Tab');
  await page.keyboard.type(person.password);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: '“Keys” wants to use your todos' }).waitFor();
  // two check boxes and Allow come before it
  for (let key = 0; key < 4; key++) await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  expect((await assistant.received).get('error')).toBe('access_denied');
  expect(problems).toEqual([]);
});

test('a person adds and removes ways to sign in, and keeps the last one', async () => {
  const person = await createPerson(system, 'Barbara');
  await using profile = await openProfile();
  const { context, page, problems } = profile;
  await addAuthenticator(context, page);
  await page.goto(`${system.issuer}/sign-in`);
  await page.getByLabel('User name').fill(person.name);
  await page.getByLabel('Password').fill(person.password);
  await page.getByRole('button', { name: 'Sign in with a password' }).click();
  await page.getByRole('heading', { name: 'Barbara' }).waitFor();

  const add = page.locator('#add-passkey');
  await add.getByLabel('Name of a new passkey').fill('Laptop');
  await add.getByLabel('Current password').fill('wrong password');
  await add.getByRole('button', { name: 'Add a passkey' }).click();
  await add.getByText('The current password is wrong').waitFor();
  await add.getByLabel('Current password').fill(person.password);
  await add.getByRole('button', { name: 'Add a passkey' }).click();
  await page.getByText('Laptop: added').waitFor();
  await expectAccessible(page);

  await page.getByText('Remove the password', { exact: true }).first().click();
  await page.locator('details[open]').getByLabel('Current password').fill(person.password);
  await page.getByRole('button', { name: 'Remove the password' }).click();
  await page.getByText('The password is removed.').waitFor();
  await page.getByRole('button', { name: 'Remove “Laptop”' }).click();
  await page.getByText('This is your last way to sign in').waitFor();

  await page.locator('#set-password').getByLabel('New password').fill('another long password');
  await page.getByRole('button', { name: 'Set a password' }).click();
  await page.getByText('The password is set. Every other session has ended.').waitFor();
  await page.getByText('A passkey was added.').waitFor();
  expect(problems).toEqual([]);
});

test('a person gets back in with a link, and what is not kept is removed', async () => {
  const person = await createPerson(system, 'Margaret');
  const client = await registerPublicClient(system, { client_name: 'Kept' });
  const lost = await registerPublicClient(system, { client_name: 'Lost' });
  const [kept, removed] = [await client.connect(person), await lost.connect(person)];
  const link = await createLink(system.em.fork(), system.issuer, { kind: 'recovery', accountId: person.id });
  await using profile = await openProfile();
  const { page, problems } = profile;
  await page.goto(link.url);
  await page.getByRole('heading', { name: 'Get back into your account' }).waitFor();
  await expectAccessible(page);
  await page.getByLabel('the access of “Kept”').check();
  await page.getByLabel('New password').fill('a password that is new');
  await page.getByRole('button', { name: 'Continue with a password' }).click();
  await page.getByRole('heading', { name: 'Margaret' }).waitFor();
  expect((await client.refresh(kept.refresh_token)).status).toBe(200);
  expect((await lost.refresh(removed.refresh_token)).status).toBe(400);
  await page.goto(link.url);
  await page.getByText('This link is not valid').waitFor();
  expect(problems).toEqual([]);
});

test('on an IP address only the password is offered', async () => {
  await using other = await startSystem();
  await using profile = await openProfile();
  const { page } = profile;
  await page.goto(`${other.issuer}/sign-in`);
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  expect(await page.getByRole('button').allTextContents()).toEqual(['Sign in with a password']);
});

test('an error page says what to do, and is accessible', async () => {
  await using profile = await openProfile();
  const { page, problems } = profile;
  for (const [url, title] of [
    [createPublicClient(system, 'unknown', 'https://a.example/').authorizationUrl(), 'This client is not known here'],
    [`${system.issuer}/interaction/abc`, 'This page has expired, or was completed before'],
    [`${system.issuer}/account/abc`, 'There is no page here'],
  ] as const) {
    await page.goto(url);
    await page.getByRole('heading', { name: title }).waitFor();
    await expectAccessible(page);
    await expectFits(page);
  }
  expect(problems).toEqual([]);
});
