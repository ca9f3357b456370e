import { spawn } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { decodeJwt } from 'jose';
import { expect, test, vi } from 'vitest';
import { openBrowser } from '../support/browser.ts';
import { createPerson, signIn } from '../support/persons.ts';
import { answerConsent } from '../support/public-client.ts';
import { requestTodos } from '../support/request-todos.ts';
import { runYata } from '../support/run-yata.ts';
import { startSystem } from '../support/start-system.ts';

// several processes, one after another
vi.setConfig({ testTimeout: 90_000 });

/** Starts `yata login`, and resolves with the address that it prints. */
async function startLogin(environment: Record<string, string>) {
  const child = spawn(process.execPath, ['yata.ts', 'login'], {
    env: { PATH: process.env.PATH ?? '', ...environment },
  });
  let output = '';
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  await vi.waitFor(() => expect(output).toMatch(/^ {2}http.*$/m), 30_000);
  return { url: /^ {2}(http.*)$/m.exec(output)?.[1] ?? '', ended, output: () => output };
}

test('a person signs in at the command line, gets access tokens for the account, and signs out', async () => {
  await using system = await startSystem();
  const person = await createPerson(system);
  const { environment: all } = system;
  const environment = {
    AUTH_ISSUER: system.issuer,
    API_RESOURCE: system.apiResource,
    MCP_RESOURCE: system.mcpResource,
    YATA_DATA_DIR: all.YATA_DATA_DIR ?? '',
  };
  const running = await startLogin(environment);
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
  expect(running.output()).not.toMatch(/eyJ/);

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

  const stored = JSON.parse(readFileSync(file, 'utf8'));
  expect(await runYata(['logout'], { environment })).toMatchObject({
    code: 0,
    stdout: 'You are signed out. The access is revoked.\n',
  });
  expect(existsSync(file)).toBe(false);
  expect((await requestTodos(system.apiResource, first.stdout.trim())).status).toBe(401);
  const refreshed = await fetch(`${system.issuer}/oauth/token`, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'refresh_token', client_id: 'yata', refresh_token: stored.refresh_token }),
  });
  expect(await refreshed.json()).toMatchObject({ error: 'invalid_grant' });
  expect(decodeJwt((await runYata(['token'], { environment })).stdout.trim()).sub).toBe('demo');
});

test('a person who refuses is not signed in', async () => {
  await using system = await startSystem();
  const person = await createPerson(system);
  const environment = {
    AUTH_ISSUER: system.issuer,
    API_RESOURCE: system.apiResource,
    MCP_RESOURCE: system.mcpResource,
    YATA_DATA_DIR: system.environment.YATA_DATA_DIR ?? '',
  };
  const running = await startLogin(environment);
  const browser = openBrowser(system.issuer);
  const consent = await signIn(browser, await browser.open(running.url), person);
  const { location } = await answerConsent(browser, consent, { action: 'refuse' });
  await fetch(location ?? '');
  expect(await running.ended).toBe(1);
  expect(running.output()).toContain('You are not signed in: the authorization server answered access_denied.');
});
