import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openInstallation } from '../support/open-installation.ts';
import { requestTodos } from '../support/request-todos.ts';
import { runPrintedCommands } from '../support/run-printed-commands.ts';
import { runYata } from '../support/run-yata.ts';
import { startProcess } from '../support/start-process.ts';

test('--help is told on stdout, and what is not known is refused with the usage', async () => {
  await using help = await startProcess(['yata.ts', '--help'], {}, 'usage:');
  expect(await help.ended).toBe(0);
  for (const args of [['--verbose'], []]) {
    await using refused = await startProcess(['yata.ts', ...args], {}, 'usage:');
    expect(await refused.ended).toBe(2);
    expect(refused.output()).not.toContain('    at ');
  }
});

test('the command line administers clients and takes tokens back', { timeout: 120_000 }, async () => {
  await using installation = await openInstallation();
  await using running = await installation.start();
  const token = await runPrintedCommands(running, ['Get an access token'], 'printf %s "$TOKEN"');
  const yata = (words: string[], stdin?: string) =>
    runYata(words, { environment: installation.environment, ...(stdin !== undefined && { stdin }) });
  const json = async (words: string[], stdin?: string) => JSON.parse((await yata([...words, '--json'], stdin)).stdout);
  const apiResource = `http://localhost:${installation.environment.API_PORT}/api/v1`;
  const use = async () => (await requestTodos(apiResource, token)).status;

  const created = await json(['clients', 'create', '--name', 'Night job', '--scope', 'todos:read']);
  expect(created).toMatchObject({
    client_id: expect.any(String),
    client_secret: expect.any(String),
    scope: 'todos:read',
  });
  const rotated = await json(['clients', 'rotate-secret', created.client_id, '--overlap', '24h']);
  expect(rotated.secrets).toHaveLength(2);
  for (const scopes of [['todos:read todos:write'], ['todos:read', 'todos:write']]) {
    expect(await json(['clients', 'set-scope', created.client_id, ...scopes])).toMatchObject({
      scope: 'todos:read todos:write',
    });
  }
  expect((await yata(['clients', 'show', created.client_id])).stdout).toMatch(/^secret +of .*, last used never$/m);
  expect(await json(['clients', 'disable', created.client_id])).toMatchObject({ active: false });
  expect(await json(['clients', 'enable', created.client_id])).toMatchObject({ active: true });
  expect((await yata(['clients', 'list'])).stdout).toMatch(/^demo {2}active/m);
  expect(await json(['clients', 'delete', created.client_id])).toMatchObject({ deleted: true });

  expect(await use()).toBe(200);
  expect((await yata(['tokens', 'revoke', '-', '--wait'], token)).stdout).toMatch(
    /^revoked; confirmed by 2 of 2 resource servers in \d+ ms\n$/,
  );
  expect(await use()).toBe(401);
  expect(await json(['tokens', 'revoke', '--client', 'demo', '--wait'])).toMatchObject({ pending: [] });
  const audit = await json(['audit']);
  expect(audit[0]).toMatchObject({ action: 'client.revoke-tokens', target: 'demo', actor: 'admin' });

  // the file that the command line reads has the new secret
  for (const client of ['admin', 'demo']) {
    const path = join(installation.environment.YATA_DATA_DIR, `${client}-client.env`);
    const before = readFileSync(path, 'utf8');
    expect((await yata(['clients', 'rotate-secret', client])).stdout).toContain(`${path} has it`);
    expect(readFileSync(path, 'utf8')).not.toBe(before);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  }
  expect(await yata(['clients', 'list'])).toMatchObject({ code: 0 });
  expect(await yata(['clients', 'disable', 'admin'])).toMatchObject({
    code: 1,
    stderr: 'This would leave no active client with the scope admin, and nobody who could undo it\n',
  });

  expect(await yata(['clients', 'show', 'nobody'])).toMatchObject({
    code: 1,
    stderr: 'There is no client with this id\n',
  });
  for (const words of [
    ['clients'],
    ['clients', 'create'],
    ['nothing'],
    ['tokens', 'revoke'],
    ['clients', 'list', '--colour'],
    ['clients', 'list', '--wait'],
    ['clients', 'list', 'demo'],
    ['clients', 'show', ''],
    ['clients', 'set-scope', 'demo'],
    ['clients', 'create', '--name', 'a', '--scope', 'todos:read', '--public-keys', 'README.md'],
    ['tokens', 'revoke', 'TOKEN', '--client', 'demo'],
    ['audit', 'all'],
    ['tokens', 'revoke', '--client', 'demo', '--client', 'admin'],
    ['tokens', 'revoke', ''],
    [],
  ]) {
    expect(await yata(words)).toMatchObject({ code: 2, stderr: expect.stringContaining('usage: ') });
  }
  expect((await yata(['tokens', 'a-token'])).stderr).not.toContain('a-token');
  for (const words of [['--help'], ['clients', '--help']]) {
    expect(await yata(words)).toMatchObject({ code: 0, stdout: expect.stringContaining('usage: ') });
  }
});
