import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as z from 'zod';
import { makeTemporaryDirectory } from '../../shared/testing/temporary-directory.ts';
import { runYata } from '../support/run-yata.ts';
import { type System, startSystem, type TestClient } from '../support/start-system.ts';

let system: System;
let client: TestClient;
beforeAll(async () => {
  system = await startSystem();
  client = await system.registerClient();
});
afterAll(() => system[Symbol.asyncDispose]());

const Diagnosis = z.strictObject({
  url: z.string(),
  ok: z.boolean(),
  links: z.array(
    z.strictObject({
      link: z.string(),
      outcome: z.enum(['passed', 'warning', 'failed', 'skipped']),
      detail: z.string(),
      remedy: z.string().optional(),
    }),
  ),
});

/** Runs the command as a user does. */
async function doctor(words: readonly string[], environment: Record<string, string> = {}) {
  const ran = await runYata(['doctor', ...words], { environment });
  const said = ran.stdout + ran.stderr;
  expect(said).not.toContain(client.secret);
  expect(said).not.toMatch(/eyJ/);
  return ran;
}

const credentials = () => ({ OAUTH_CLIENT_ID: client.id, OAUTH_CLIENT_SECRET: client.secret });
const ALL = ['resource', 'challenge', 'metadata-from-challenge', 'metadata-at-path', 'metadata-at-root'];
ALL.push('authorization-server', 'keys', 'browser-access', 'access-token', 'clocks', 'claims', 'signature');

test('every link from the MCP endpoint to its tools is in order', async () => {
  const { code, stdout, stderr } = await doctor([system.mcpResource, '--json'], credentials());
  const { url, ok, links } = Diagnosis.parse(JSON.parse(stdout));
  expect(links.map(({ link, outcome }) => [link, outcome])).toEqual([
    ...[...ALL, 'initialize', 'tools-list', 'get', 'sign-in'].map((link) => [link, 'passed']),
  ]);
  expect({ code, url, ok, stderr }).toEqual({ code: 0, url: system.mcpResource, ok: true, stderr: '' });
});

test('every link from the API to its todos is in order', async () => {
  const { code, stdout } = await doctor(['--json', system.apiResource], credentials());
  const { links } = Diagnosis.parse(JSON.parse(stdout));
  expect(links.map(({ link, outcome }) => [link, outcome])).toEqual([...ALL, 'todos'].map((link) => [link, 'passed']));
  expect(code).toBe(0);
});

test('without credentials the doctor checks the links that need none', async () => {
  for (const url of [system.mcpResource, system.apiResource]) {
    const { code, stdout } = await doctor([url]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^✓ keys +1 key: ES256$/m);
    expect(stdout).toMatch(
      /^- access-token +not checked: there are no client credentials in the environment\n +→ Set OAUTH_CLIENT_ID and OAUTH_CLIENT_SECRET/m,
    );
    expect(stdout).not.toMatch(/^✗/m);
    expect(stdout).not.toMatch(/^!/m);
  }
});

test('the secret may come from a file', async () => {
  using directory = makeTemporaryDirectory();
  const file = join(directory.path, 'secret');
  writeFileSync(file, `${client.secret}\n`);
  const { code, stdout } = await doctor([system.mcpResource], {
    OAUTH_CLIENT_ID: client.id,
    OAUTH_CLIENT_SECRET_FILE: file,
  });
  expect(stdout).toMatch(/^Every link is in order\.$/m);
  expect(code).toBe(0);
});

test('the doctor tells a wrong secret from a missing scope and a missing resource', async () => {
  const elsewhere = await system.registerClient({ resources: [system.apiResource] });
  const environment = { OAUTH_CLIENT_ID: elsewhere.id, OAUTH_CLIENT_SECRET: elsewhere.secret };
  const refused = await doctor([system.mcpResource], environment);
  expect(refused).toMatchObject({ code: 1, stderr: '' });
  expect(refused.stdout).toMatch(
    /^✗ access-token +the token endpoint rejects the request: invalid_target\n +→ .*--resource URL/m,
  );
  expect(refused.stdout).not.toContain(elsewhere.secret);

  const wrong = await doctor([system.mcpResource], { ...environment, OAUTH_CLIENT_SECRET: `${client.secret}x` });
  expect(wrong.code).toBe(1);
  expect(wrong.stdout).toMatch(
    /^✗ access-token +the token endpoint rejects the request: invalid_client\n +→ .*rotate-secret ID/m,
  );

  const writer = await system.registerClient({ scopes: ['todos:write'] });
  const unread = await doctor([system.apiResource], {
    OAUTH_CLIENT_ID: writer.id,
    OAUTH_CLIENT_SECRET: writer.secret,
  });
  expect(unread.code).toBe(1);
  expect(unread.stdout).toMatch(/^✗ todos +GET .* answers 403 .*\n +→ .*set-scope ID/m);
});

test('a failure is exit code 1, in JSON too', async () => {
  const { origin } = new URL(system.mcpResource);
  const { code, stdout, stderr } = await doctor([origin, '--json']);
  const { ok, links } = Diagnosis.parse(JSON.parse(stdout));
  expect({ code, ok, stderr }).toEqual({ code: 1, ok: false, stderr: '' });
  expect(links[0]).toMatchObject({ outcome: 'failed', remedy: expect.stringContaining(system.mcpResource) });
});

test('a usage error is exit code 2 and repeats no password', async () => {
  const wrongUrl = 'URL: expected an http or https URL without user name, password and fragment';
  for (const [words, message] of [
    [[], '`doctor` needs the argument URL'],
    [['localhost:3002/mcp'], wrongUrl],
    [['ftp://localhost/mcp'], wrongUrl],
    [['http://localhost/mcp', 'http://localhost/mcp'], '`doctor` takes 1 argument, got 2'],
    [['http://localhost/mcp#fragment'], wrongUrl],
    [['http://localhost/mcp', '--colour'], '`doctor` got an unknown option'],
    [['http://user:pass-word@localhost/mcp'], wrongUrl],
  ] as const) {
    const { code, stdout, stderr } = await doctor(words);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr.split('\n')[0]).toBe(message);
    expect(stderr).not.toContain('pass-word');
  }
  expect(await doctor([system.mcpResource], { OAUTH_CLIENT_ID: client.id })).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining('OAUTH_CLIENT_SECRET: expected the secret of that client'),
  });
});
