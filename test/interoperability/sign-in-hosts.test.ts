import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Browser, openBrowser, type Page } from '../support/browser.ts';
import { type Installation, openInstallation } from '../support/open-installation.ts';
import { signIn } from '../support/persons.ts';
import { answerConsent } from '../support/public-client.ts';
import { runYata } from '../support/run-yata.ts';
import { CONNECT_HOSTS, type SignInHost } from '../support/sign-in-hosts.ts';
import type { RunningProcess } from '../support/start-process.ts';

// processes of yata and of hosts, and access tokens that expire
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

/** Seconds. The shortest lifetime that can be configured. */
const ACCESS_TOKEN_TTL = 10;

const person = { name: 'Ada', password: 'the long password of Ada', id: '' };

let installation: Installation;
let running: RunningProcess;
let browser: Browser;
let issuer: string;
let mcpUrl: string;
const hosts = new Map<string, SignInHost>();

const start = () => installation.start({ ACCESS_TOKEN_TTL: String(ACCESS_TOKEN_TTL) });

beforeAll(async () => {
  installation = await openInstallation();
  running = await start();
  const { environment } = installation;
  issuer = `http://localhost:${environment.AUTH_PORT}`;
  mcpUrl = `http://localhost:${environment.MCP_PORT}/mcp`;
  const { stdout } = await runYata(['users', 'invite', person.name], {
    environment: { ...environment, AUTH_ISSUER: issuer },
  });
  browser = openBrowser(issuer);
  const [, token = ''] = /#(\S+)/.exec(stdout) ?? [];
  const page = await browser.submit('/welcome', { token, username: person.name, password: person.password });
  expect(page.status).toBe(200);
});
afterAll(async () => {
  for (const host of hosts.values()) await host[Symbol.asyncDispose]();
  await running[Symbol.asyncDispose]();
  await installation[Symbol.asyncDispose]();
});

async function allow(authorizationUrl: string): Promise<string> {
  const consent = await signIn(browser, await browser.open(authorizationUrl), person);
  const { location, text } = await answerConsent(browser, consent);
  if (location === undefined) throw new Error(text);
  return location;
}

/** What each host shows when its access was taken back. */
const REJECTIONS: Readonly<Record<string, RegExp>> = {
  'SDK v1': /^Error: Unauthorized$/,
  'SDK v2': /^UnauthorizedError: Unauthorized$/,
  'mcp-remote': /Please authorize this client by visiting:\nhttp/,
  mcporter: /Authorization required for localhost-mcp\. Run 'mcporter auth localhost-mcp'\./,
};

const names = Object.keys(CONNECT_HOSTS);

test.each(names)('%s connects by the URL alone, and calls a tool', async (name) => {
  const host = await CONNECT_HOSTS[name]?.(mcpUrl, allow);
  if (host === undefined) throw new Error(name);
  hosts.set(name, host);
  expect(await host.listTodos()).toMatch(/total/);
});

test('every host goes on after kill -9 of all services, and with an expired access token', async () => {
  await running.end('SIGKILL');
  running = await start();
  await sleep((ACCESS_TOKEN_TTL + 1) * 1_000);
  for (const name of names) expect(await hosts.get(name)?.listTodos(), name).toMatch(/total/);
});

test('the account page takes every host back, and then each is rejected and says to sign in', async () => {
  let account = await openAccount();
  const before = connections(account);
  expect(before).toHaveLength(names.length);
  for (const connection of before) {
    const taken = await browser.submit('/account/take-back', {
      connection,
      form_token: account.fields.form_token ?? '',
    });
    expect(taken.text).toMatch(/Taken back\. Confirmed by \d of \d resource servers in \d+ ms\./);
    account = await openAccount();
  }
  expect(connections(account)).toEqual([]);
  for (const name of names) {
    const shown = await hosts.get(name)?.listTodos().catch(String);
    expect(shown, name).toMatch(REJECTIONS[name] ?? /no host/);
  }
});

test.each(names)('%s connects again', async (name) => {
  await hosts.get(name)?.[Symbol.asyncDispose]();
  hosts.delete(name);
  const host = await CONNECT_HOSTS[name]?.(mcpUrl, allow);
  if (host === undefined) throw new Error(name);
  hosts.set(name, host);
  expect(await host.listTodos()).toMatch(/total/);
});

const openAccount = () => browser.open(`${issuer}/account`);

const connections = ({ text }: Page) =>
  [...text.matchAll(/name="connection" value="([^"]+)"/g)].map(([, id = '']) => id);
