import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeJwt } from 'jose';
import { expect, test, vi } from 'vitest';
import { getFreePort } from '../../shared/testing/free-port.ts';
import { makeTemporaryDirectory } from '../../shared/testing/temporary-directory.ts';
import { openBrowser } from '../support/browser.ts';
import { environmentOf, logIn, startLogin } from '../support/log-in.ts';
import { createPerson, openAccount, signIn } from '../support/persons.ts';
import { answerConsent } from '../support/public-client.ts';
import { requestTodos } from '../support/request-todos.ts';
import { runYata } from '../support/run-yata.ts';
import { type System, startSystem } from '../support/start-system.ts';

// several processes, one after another
vi.setConfig({ testTimeout: 90_000 });

/** Writes the file that `login` keeps. */
function writeLogin(directory: string, login: unknown): string {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const file = join(directory, 'login.json');
  writeFileSync(file, typeof login === 'string' ? login : JSON.stringify(login), { mode: 0o600 });
  return file;
}

/** The refresh token in the file that `login` keeps. */
function readRefreshToken({ YATA_DATA_DIR }: { YATA_DATA_DIR: string }): string {
  return JSON.parse(readFileSync(join(YATA_DATA_DIR, 'login.json'), 'utf8')).refresh_token;
}

async function refresh(system: System, refreshToken: string) {
  const response = await fetch(`${system.issuer}/oauth/token`, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'refresh_token', client_id: 'yata', refresh_token: refreshToken }),
  });
  return response.json();
}

test('a person signs in at the command line, gets access tokens for the account, and signs out', async () => {
  await using system = await startSystem();
  const person = await createPerson(system);
  const environment = environmentOf(system);
  const running = await startLogin(environment);
  // what other programs send there ends nothing
  const { origin } = new URL(new URL(running.url).searchParams.get('redirect_uri') ?? '');
  for (const target of ['//', '/callback?error=access_denied', '/callback?code=x&state=y'])
    expect([target, (await fetch(`${origin}${target}`)).status]).toEqual([target, 404]);
  const browser = openBrowser(system.issuer);
  const consent = await signIn(browser, await browser.open(running.url), person);
  expect(consent.text).toContain('“yata command line” wants to use your todos');
  expect(consent.text).toContain('Your administrator registered this client.');
  const { location } = await answerConsent(browser, consent);
  expect(await (await fetch(location ?? '')).text()).toContain('You can close this page');
  expect(await running.ended).toBe(0);
  expect(running.output()).toContain(
    `You are signed in. Account: ${person.id}. Granted scopes: todos:read todos:write.`,
  );
  expect(running.output()).not.toMatch(/eyJ|previous/);

  const file = join(environment.YATA_DATA_DIR, 'login.json');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const [first, second] = await Promise.all([
    runYata(['token'], { environment }),
    runYata(['token', '--scope', 'todos:read'], { environment }),
  ]);
  for (const { stdout } of [first, second]) {
    expect(decodeJwt(stdout.trim())).toMatchObject({ sub: person.id, client_id: 'yata', aud: system.apiResource });
    expect((await requestTodos(system.apiResource, stdout.trim())).status).toBe(200);
  }
  expect(decodeJwt(second.stdout.trim()).scope).toBe('todos:read');
  // for another resource, the demo client is used as before
  const forMcp = await runYata(['token', '--resource', system.mcpResource], { environment });
  expect(decodeJwt(forMcp.stdout.trim())).toMatchObject({ sub: 'demo', aud: system.mcpResource });

  const refreshToken = readRefreshToken(environment);
  expect(await runYata(['logout'], { environment })).toMatchObject({
    code: 0,
    stdout: 'You are signed out. The access is revoked.\n',
  });
  expect(existsSync(file)).toBe(false);
  expect((await requestTodos(system.apiResource, first.stdout.trim())).status).toBe(401);
  expect(await refresh(system, refreshToken)).toMatchObject({ error: 'invalid_grant' });
  expect(decodeJwt((await runYata(['token'], { environment })).stdout.trim()).sub).toBe('demo');
});

test('a person who refuses is not signed in', async () => {
  await using system = await startSystem();
  const person = await createPerson(system);
  const environment = environmentOf(system);
  const running = await startLogin(environment);
  const browser = openBrowser(system.issuer);
  const consent = await signIn(browser, await browser.open(running.url), person);
  const { location } = await answerConsent(browser, consent, { action: 'refuse' });
  await fetch(location ?? '');
  expect(await running.ended).toBe(1);
  expect(running.output()).toContain('You are not signed in: the authorization server answered access_denied.');
});

test('logout revokes the access at the issuer of the sign-in, whatever AUTH_ISSUER is', async () => {
  await using system = await startSystem();
  const environment = environmentOf(system);
  await logIn(system, await createPerson(system), environment);
  const accessToken = (await runYata(['token'], { environment })).stdout.trim();
  const refreshToken = readRefreshToken(environment);
  const other = `http://127.0.0.1:${await getFreePort()}`;
  // AUTH_URL is an address of the other issuer
  expect(
    await runYata(['logout'], { environment: { ...environment, AUTH_ISSUER: other, AUTH_URL: other } }),
  ).toMatchObject({ code: 0, stdout: 'You are signed out. The access is revoked.\n' });
  expect(existsSync(join(environment.YATA_DATA_DIR, 'login.json'))).toBe(false);
  expect((await requestTodos(system.apiResource, accessToken)).status).toBe(401);
  expect(await refresh(system, refreshToken)).toMatchObject({ error: 'invalid_grant' });
});

test('logout fails and keeps the file when the access cannot be revoked', async () => {
  using directory = makeTemporaryDirectory();
  const environment = { YATA_DATA_DIR: join(directory.path, 'data') };
  const unreachable = `http://127.0.0.1:${await getFreePort()}`;
  for (const [issuer, reason] of [
    [unreachable, 'The authorization server metadata cannot be fetched'],
    ['http://auth.example', 'http://auth.example is neither AUTH_ISSUER, nor https, nor on this machine'],
  ] as const) {
    const login = { issuer, resource: `${issuer}/api`, refresh_token: 'the-refresh-token' };
    const file = writeLogin(environment.YATA_DATA_DIR, login);
    const { code, stdout, stderr } = await runYata(['logout'], { environment });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(
      `You are still signed in: the access at ${issuer} is not revoked. Set AUTH_ISSUER to this issuer and run yata logout again.\n  because: ${reason}`,
    );
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(login);
  }
});

test('a new login revokes the access of the previous one', async () => {
  await using system = await startSystem();
  const person = await createPerson(system);
  const environment = environmentOf(system);
  await logIn(system, person, environment);
  const accessToken = (await runYata(['token'], { environment })).stdout.trim();
  const refreshToken = readRefreshToken(environment);
  expect(await logIn(system, person, environment)).toContain('The access of the previous sign-in is revoked.');
  expect((await requestTodos(system.apiResource, accessToken)).status).toBe(401);
  expect(await refresh(system, refreshToken)).toMatchObject({ error: 'invalid_grant' });
  const renewed = (await runYata(['token'], { environment })).stdout.trim();
  expect((await requestTodos(system.apiResource, renewed)).status).toBe(200);
  const { page } = await openAccount(system, person);
  expect(page.text.match(/con_[\w-]+/g)).toHaveLength(1);
});

test('a new login is kept when the access of the previous one cannot be revoked', async () => {
  await using system = await startSystem();
  const environment = environmentOf(system);
  const issuer = `http://127.0.0.1:${await getFreePort()}`;
  writeLogin(environment.YATA_DATA_DIR, { issuer, resource: `${issuer}/api`, refresh_token: 'the-refresh-token' });
  expect(await logIn(system, await createPerson(system), environment)).toContain(
    `The access of the previous sign-in is not revoked. Take it back at ${issuer}/account.\n  because: The authorization server metadata cannot be fetched`,
  );
  expect((await runYata(['token'], { environment })).code).toBe(0);
});

test('a file that is not safe or not valid stops login before the person signs in', async () => {
  using directory = makeTemporaryDirectory();
  const environment = { YATA_DATA_DIR: join(directory.path, 'data') };
  const file = writeLogin(environment.YATA_DATA_DIR, '"the-refresh-token');
  expect(await runYata(['login'], { environment })).toEqual({
    code: 1,
    stdout: '',
    stderr: `${file} is not a sign-in of yata. Delete the file, and run yata login.\n`,
  });
  chmodSync(file, 0o660);
  expect(await runYata(['login'], { environment })).toEqual({
    code: 1,
    stdout: '',
    stderr: `Other users have access to the file ${file}. Run: chmod 600 '${file}'\n`,
  });
});
