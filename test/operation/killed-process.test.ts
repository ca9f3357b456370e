import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { Todo } from '../../shared/todo/todo.ts';
import { openInstallation } from '../support/open-installation.ts';
import { openSplitInstallation } from '../support/open-split-installation.ts';
import { postAsClient } from '../support/post-as-client.ts';
import { type ClientKeyPair, createClientKeyPair, presentAssertion } from '../support/register-key-client.ts';
import { requestAccessToken } from '../support/request-access-token.ts';
import { runPrintedCommands } from '../support/run-printed-commands.ts';
import { runYata } from '../support/run-yata.ts';
import { startProcess } from '../support/start-process.ts';
import type { TestClient } from '../support/start-system.ts';

// these tests start several processes, one after another, which takes long on a busy machine
vi.setConfig({ testTimeout: 90_000 });

test('every acknowledged revocation survives kill -9', async () => {
  await using installation = await openSplitInstallation();
  const { issuer } = installation;
  const revoked: string[] = [];
  const untouched: string[] = [];
  for (let round = 0; round < 2; round += 1) {
    await using auth = await installation.startAuth();
    const client = installation.demo();
    const tokens = await Promise.all(Array.from({ length: 150 }, () => requestAccessToken(issuer, client)));
    const killAfter = (round + 1) * 40;
    const killed = Promise.withResolvers<unknown>();
    const workers = Array.from({ length: 8 }, async () => {
      for (let token = tokens.pop(); token !== undefined; token = tokens.pop()) {
        const response = await revoke(issuer, client, token).catch(() => undefined);
        if (response === undefined) return;
        expect(response.status).toBe(200);
        revoked.push(token);
        if (revoked.length === killAfter) killed.resolve(auth.end('SIGKILL'));
      }
    });
    expect(await killed.promise).toBe('SIGKILL');
    await Promise.all(workers);
    // the process was killed while it revoked tokens
    expect(tokens.length).toBeGreaterThan(50);
    untouched.push(...tokens);
  }

  await using _auth = await installation.startAuth();
  await using _api = await installation.startApi();
  const client = installation.demo();
  expect(revoked.length).toBeGreaterThanOrEqual(80);
  for (const token of revoked) {
    expect(await introspect(issuer, client, token)).toEqual({ active: false });
    expect(await installation.useAtApi(token)).toBe(401);
  }
  for (const token of untouched.slice(0, 20)) {
    expect(await introspect(issuer, client, token)).toMatchObject({ active: true });
    expect(await installation.useAtApi(token)).toBe(200);
  }
});

test('acknowledged todos, clients and signing keys survive kill -9', async () => {
  await using installation = await openInstallation();
  const acknowledged: string[] = [];
  let token = '';
  for (let round = 0; round < 3; round += 1) {
    await using running = await installation.start();
    if (token === '') token = await runPrintedCommands(running, ['Get an access token'], 'printf %s "$TOKEN"');
    const url = `http://localhost:${installation.environment.API_PORT}/api/v1/todos`;
    // the access token of the first start stays valid after each restart, because the signing key is the same
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    let killed = false;
    const writers = Array.from({ length: 4 }, async (_, writer) => {
      for (let index = 0; !killed; index += 1) {
        const title = `${round}.${writer}.${index}`;
        const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ title }) }).catch(
          () => undefined,
        );
        if (response === undefined) return;
        expect(response.status).toBe(201);
        acknowledged.push(title);
      }
    });
    await vi.waitFor(() => expect(acknowledged.length).toBeGreaterThan((round + 1) * 10), 10_000);
    expect(await running.end('SIGKILL')).toBe('SIGKILL');
    killed = true;
    await Promise.all(writers);
  }
  await using running = await installation.start();
  const kept = await fetch(`http://localhost:${installation.environment.API_PORT}/api/v1/todos/export`, {
    headers: { authorization: `Bearer ${token}` },
  });
  const titles = new Set(
    (await kept.text())
      .trim()
      .split('\n')
      .map((line) => Todo.parse(JSON.parse(line)).title),
  );
  expect(acknowledged.filter((title) => !titles.has(title))).toEqual([]);
  expect(running.output()).not.toMatch(/error/i);
});

test('an acknowledged change of keys and its overlap survive kill -9', async () => {
  await using installation = await openInstallation();
  const { environment } = installation;
  const issuer = `http://localhost:${environment.AUTH_PORT}`;
  const [one, two] = [await createClientKeyPair('one'), await createClientKeyPair('two')];
  const keysFile = join(environment.YATA_DATA_DIR, '..', 'keys.json');
  const create = ['create', '--id', 'job', '--name', 'Job', '--scope', 'todos:read', '--public-keys'];
  const administer = async ({ jwk }: ClientKeyPair, before: readonly string[], ...after: string[]) => {
    writeFileSync(keysFile, JSON.stringify({ keys: [jwk] }));
    expect(await runYata(['clients', ...before, keysFile, ...after], { environment })).toMatchObject({ code: 0 });
  };
  const authenticate = async (key: ClientKeyPair) => presentAssertion(issuer, await key.signAssertion('job', issuer));
  {
    await using running = await installation.start();
    await administer(one, create);
    await administer(two, ['set-keys', 'job'], '--overlap', '24h');
    await running.end('SIGKILL');
  }
  const used = await two.signAssertion('job', issuer);
  {
    await using running = await installation.start();
    expect([await authenticate(one), await authenticate(two)]).toEqual([200, 200]);
    expect(await presentAssertion(issuer, used)).toBe(200);
    await administer(two, ['set-keys', 'job']);
    await running.end('SIGKILL');
  }
  await using _running = await installation.start();
  expect([await authenticate(one), await authenticate(two)]).toEqual([401, 200]);
  expect(await presentAssertion(issuer, used)).toBe(401);
});

test('a start after a start that was killed succeeds', async ({ skip }) => {
  await using installation = await openInstallation();
  skip(!installation.isEmbedded, 'only the embedded database is created by the start');
  for (const milliseconds of [100, 500, 900, 1300]) {
    const starting = startProcess(['yata.ts', 'start'], installation.environment, 'Starting yata');
    await using running = await starting;
    await setTimeout(milliseconds);
    await running.end('SIGKILL');
  }
  await using running = await installation.start();
  expect(await runPrintedCommands(running, ['Get an access token', 'Use it'])).toContain('Try yata');
});

function revoke(issuer: string, client: TestClient, token: string): Promise<Response> {
  return postAsClient(`${issuer}/oauth/revoke`, client, { token });
}

async function introspect(issuer: string, client: TestClient, token: string): Promise<unknown> {
  return (await postAsClient(`${issuer}/oauth/introspect`, client, { token })).json();
}
