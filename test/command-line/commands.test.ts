import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { getFreePort } from '../../shared/testing/free-port.ts';
import { makeTemporaryDirectory } from '../../shared/testing/temporary-directory.ts';
import { LIST_TOOLS } from '../support/mcp-messages.ts';
import { openInstallation } from '../support/open-installation.ts';
import { createPerson } from '../support/persons.ts';
import { postMcpMessage } from '../support/post-mcp-message.ts';
import { registerPublicClient } from '../support/public-client.ts';
import { createClientKeyPair } from '../support/register-key-client.ts';
import { requestTodos } from '../support/request-todos.ts';
import { runPrintedCommands } from '../support/run-printed-commands.ts';
import { runYata } from '../support/run-yata.ts';
import { startSystem } from '../support/start-system.ts';

test('--help goes to stdout, and a usage error with the usage to stderr', async () => {
  for (const words of [['--help'], ['clients', '--help'], ['clients', 'create', '--help']])
    expect(await runYata(words)).toEqual({ code: 0, stdout: expect.stringMatching(/^Usage: yata /), stderr: '' });
  for (const words of [['--verbose'], [], ['clients', 'list', 'demo']]) {
    const { code, stdout, stderr } = await runYata(words);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^Usage: yata /m);
    expect(stderr).not.toContain('    at ');
  }
});

test('without administrator credentials a command says where to get them', async () => {
  using directory = makeTemporaryDirectory();
  const data = join(directory.path, 'data');
  expect(await runYata(['clients', 'list'], { environment: { YATA_DATA_DIR: data } })).toEqual({
    code: 1,
    stdout: '',
    stderr: `No administrator credentials in ${data}/. Run npm start first, or set OAUTH_CLIENT_ID and OAUTH_CLIENT_SECRET.\n`,
  });
  const { code, stderr } = await runYata(['clients', 'list'], { environment: { OAUTH_CLIENT_ID: 'admin' } });
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: expect.stringContaining('OAUTH_CLIENT_SECRET: expected the secret of that client'),
  });
});

test('a command does not use credentials that another user could have written', async () => {
  using directory = makeTemporaryDirectory();
  const data = join(directory.path, 'data');
  mkdirSync(data);
  chmodSync(data, 0o770);
  writeFileSync(join(data, 'admin-client.env'), `OAUTH_CLIENT_ID=admin\nOAUTH_CLIENT_SECRET=${'x'.repeat(43)}\n`);
  expect(await runYata(['clients', 'list'], { environment: { YATA_DATA_DIR: data } })).toEqual({
    code: 1,
    stdout: '',
    stderr: `Other users have access to the directory ${data}. Run: chmod 700 '${data}'\n`,
  });
});

test('the commands of the administrator do not load the services', async () => {
  const hook = `import { registerHooks } from 'node:module';
    registerHooks({ load(url, context, next) { process.stderr.write(url + '\\n'); return next(url, context); } });`;
  const { stderr } = await runYata(['clients', 'list'], {
    environment: {
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(hook)}`,
      OAUTH_CLIENT_ID: 'admin',
      OAUTH_CLIENT_SECRET: 'secret',
      AUTH_ISSUER: 'http://localhost:1',
    },
  });
  expect(stderr).toContain('cli/admin-client.ts');
  expect(stderr).toContain('The authorization server metadata cannot be fetched');
  expect(stderr).not.toMatch(/\/(auth|api|mcp)\/(main|app)\.ts|node_modules\/(@mikro-orm|koa|oidc-provider|pg|pino)\//);
});

test('a client is disabled at the first try although auth is slow and loses a connection', async () => {
  await using system = await startSystem();
  const [admin, client] = [
    await system.registerClient({ scopes: ['admin'], resources: [`${system.issuer}/admin`] }),
    await system.registerClient(),
  ];
  let requests = 0;
  const slow = createServer(async (incoming, response) => {
    requests += 1;
    // longer than the services wait for the metadata
    if (requests === 1) await delay(5_500);
    if (requests === 2) {
      response.destroy();
      return;
    }
    const { method, url, headers } = incoming;
    const outgoing = request(new URL(url ?? '/', system.issuer), { method, headers });
    outgoing.on('response', (received) => {
      response.writeHead(received.statusCode ?? 502, received.headers);
      received.pipe(response);
    });
    incoming.pipe(outgoing);
  });
  const port = await getFreePort();
  await new Promise<void>((resolve) => slow.listen(port, '127.0.0.1', resolve));
  const { code, stdout, stderr } = await runYata(['clients', 'disable', client.id], {
    environment: {
      AUTH_ISSUER: system.issuer,
      AUTH_URL: `http://127.0.0.1:${port}`,
      OAUTH_CLIENT_ID: admin.id,
      OAUTH_CLIENT_SECRET: admin.secret,
    },
  });
  slow.close();
  expect({ code, stdout, stderr }).toEqual({
    code: 0,
    stdout: expect.stringContaining(`${client.id}  disabled`),
    stderr: 'The authorization server has not answered yet. Waiting up to 30 seconds …\n',
  });
  // the metadata, the token request twice, the change
  expect(requests).toBe(4);
  expect((await system.postToken(client)).status).toBe(401);
});

test('administrator credentials in the environment are used, from a file too', async () => {
  await using system = await startSystem();
  const admin = await system.registerClient({ scopes: ['admin'], resources: [`${system.issuer}/admin`] });
  using directory = makeTemporaryDirectory();
  const file = join(directory.path, 'secret');
  writeFileSync(file, `${admin.secret}\n`);
  // credentials of another installation, which must not change
  const other = 'OAUTH_CLIENT_ID=program\nOAUTH_CLIENT_SECRET=of-another-installation-with-32-characters\n';
  writeFileSync(join(directory.path, 'program-client.env'), other);
  const address = { AUTH_ISSUER: system.issuer, YATA_DATA_DIR: directory.path, OAUTH_CLIENT_ID: admin.id };
  const secrets: Record<string, string>[] = [{ OAUTH_CLIENT_SECRET: admin.secret }, { OAUTH_CLIENT_SECRET_FILE: file }];
  for (const secret of secrets) {
    const { code, stdout, stderr } = await runYata(['clients', 'list', '--json'], {
      environment: { ...address, ...secret },
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toContainEqual(expect.objectContaining({ client_id: admin.id, scope: 'admin' }));
  }
  const environment = { ...address, OAUTH_CLIENT_SECRET: admin.secret };
  await runYata(['clients', 'create', '--id', 'program', '--name', 'Program', '--scope', 'todos:read'], {
    environment,
  });
  const { stdout } = await runYata(['clients', 'rotate-secret', 'program'], { environment });
  expect(stdout).toMatch(/^OAUTH_CLIENT_SECRET=/m);
  expect(readFileSync(join(directory.path, 'program-client.env'), 'utf8')).toBe(other);
  const rejected = await runYata(['clients', 'list'], { environment: { ...address, OAUTH_CLIENT_SECRET: 'wrong' } });
  expect(rejected).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('the secret from OAUTH_CLIENT_ID and OAUTH_CLIENT_SECRET is the current one'),
  });
});

test('an account is deleted, and --wait reports which resource servers have confirmed it', async () => {
  await using system = await startSystem();
  const admin = await system.registerClient({ scopes: ['admin'], resources: [`${system.issuer}/admin`] });
  const { access_token } = await (await registerPublicClient(system)).connect(await createPerson(system, 'Ada'));
  const environment = {
    AUTH_ISSUER: system.issuer,
    OAUTH_CLIENT_ID: admin.id,
    OAUTH_CLIENT_SECRET: admin.secret,
  };
  expect(await runYata(['users', 'delete', 'Ada', '--wait'], { environment })).toEqual({
    code: 0,
    stdout: expect.stringMatching(
      /^The account Ada is deleted\. Its connections are revoked\.\nrevoked; confirmed by 2 of 2 resource servers in \d+ ms\n$/,
    ),
    stderr: '',
  });
  expect(await postMcpMessage(system.mcpResource, LIST_TOOLS, { accessToken: access_token })).toMatchObject({
    status: 401,
  });
  await createPerson(system, 'Bob');
  const { stdout } = await runYata(['users', 'delete', 'Bob', '--wait', '--json'], { environment });
  expect(JSON.parse(stdout)).toMatchObject({
    username: 'Bob',
    deleted: true,
    revocation: { sequence: expect.any(Number), confirmed: expect.any(Array), pending: [] },
  });
});

test('a command whose output is closed ends without an error', async () => {
  await using system = await startSystem();
  const admin = await system.registerClient({ scopes: ['admin'], resources: [`${system.issuer}/admin`] });
  const env = {
    PATH: process.env.PATH ?? '',
    AUTH_ISSUER: system.issuer,
    OAUTH_CLIENT_ID: admin.id,
    OAUTH_CLIENT_SECRET: admin.secret,
  };
  for (const [words, code] of [
    [['audit'], 0],
    [['clients', 'list', '--json'], 0],
    [['--help'], 0],
    [['clients', 'show', 'missing'], 1],
  ] as const) {
    const child = spawn(process.execPath, ['yata.ts', ...words], { env });
    let stderr = '';
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    // as `head` does when it has read enough: the pipe has no reader when the process writes
    child.stdout.destroy();
    if (code === 1) child.stderr.destroy();
    expect(await once(child, 'close')).toEqual([code, null]);
    expect(stderr).toBe('');
  }
});

test('token prints an access token, or headers with one, and nothing else', async () => {
  await using system = await startSystem();
  const client = await system.registerClient();
  const credentials = { OAUTH_CLIENT_ID: client.id, OAUTH_CLIENT_SECRET: client.secret };
  const environment = { AUTH_ISSUER: system.issuer, ...credentials };
  const token = (words: string[], others = {}) =>
    runYata(['token', ...words], { environment: { ...environment, ...others } });

  const { code, stdout, stderr } = await token([]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
  expect((await requestTodos(system.apiResource, stdout.trim())).status).toBe(200);

  const printed = (await token(['--headers', '--resource', system.mcpResource])).stdout;
  const { Authorization, ...others } = JSON.parse(printed);
  expect(others).toEqual({});
  const accessToken = Authorization.replace(/^Bearer /, '');
  expect(await postMcpMessage(system.mcpResource, LIST_TOOLS, { accessToken })).toMatchObject({ status: 200 });

  expect(JSON.parse((await token(['--scope', 'todos:read', '--json'])).stdout)).toEqual({
    access_token: expect.any(String),
    token_type: 'Bearer',
    expires_in: 3600,
    scope: 'todos:read',
  });

  const wrong = 'x'.repeat(43);
  for (const [words, changed, expected] of [
    [[], { OAUTH_CLIENT_SECRET: wrong }, 'client authentication failed. Check that the secret from OAUTH_CLIENT_ID'],
    [['--scope', 'admin'], {}, 'Check --resource and --scope.'],
    [['--resource', 'https://other.example'], {}, 'Check --resource and --scope.'],
    [[], { AUTH_ISSUER: `http://127.0.0.1:${await getFreePort()}` }, 'cannot be fetched'],
  ] as const) {
    const failed = await token([...words], changed);
    expect(failed).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining(expected) });
    expect(failed.stderr).not.toContain(wrong);
  }
});

test('the command line administers clients and revokes tokens', { timeout: 120_000 }, async () => {
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
  expect((await yata(['clients', 'show', created.client_id])).stdout).toMatch(/^secret +created .*, last used never$/m);

  const keysFile = join(installation.environment.YATA_DATA_DIR, 'keys.json');
  const keySet = async (kid: string) => JSON.stringify({ keys: [(await createClientKeyPair(kid)).jwk] });
  writeFileSync(keysFile, await keySet('one'));
  const options = ['--id', 'with-key', '--name', 'With a key', '--scope', 'todos:read', '--public-keys', keysFile];
  expect(await json(['clients', 'create', ...options])).toMatchObject({ keys: [{ kid: 'one' }] });
  expect(await json(['clients', 'set-keys', 'with-key', '-', '--overlap', '24h'], await keySet('two'))).toMatchObject({
    keys: [
      { kid: 'two', expires_at: null },
      { kid: 'one', expires_at: expect.any(String) },
    ],
  });
  expect((await yata(['clients', 'set-keys', 'with-key', keysFile])).stdout).toMatch(
    /\n\n\S+, kid one, expires never\n$/,
  );
  expect(await yata(['clients', 'set-keys', 'demo', keysFile])).toMatchObject({
    code: 1,
    stderr: 'This client authenticates with a secret and has no keys.\n',
  });

  const secret = 'x'.repeat(43);
  const declared = ['--id', 'declared', '--name', 'Declared', '--scope', 'todos:read', '--if-absent'];
  const secretFile = join(installation.environment.YATA_DATA_DIR, 'declared.secret');
  writeFileSync(secretFile, `${secret}\n`);
  const createDeclared = (...more: string[]) => yata(['clients', 'create', ...declared, ...more], `${secret}\r\n`);
  expect(await createDeclared('--secret-file', secretFile)).toMatchObject({ code: 0, stderr: '' });
  for (const file of [secretFile, '-']) {
    const { code, stdout } = await createDeclared('--secret-file', file);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringMatching(/The client exists\. Nothing was changed\.$/m),
    });
    expect(stdout).not.toContain(secret);
  }
  const credentials = { OAUTH_CLIENT_ID: 'declared', OAUTH_CLIENT_SECRET: secret };
  const issued = await runYata(['token'], { environment: { ...installation.environment, ...credentials } });
  expect((await requestTodos(apiResource, issued.stdout.trim())).status).toBe(200);
  expect((await yata(['clients', 'disable', 'declared', '--wait'])).stdout).toMatch(
    /\nrevoked; confirmed by 2 of 2 resource servers in \d+ ms\n$/,
  );
  expect((await requestTodos(apiResource, issued.stdout.trim())).status).toBe(401);

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

  // the new secret replaces the old one in the credentials file
  for (const client of ['admin', 'demo']) {
    const path = join(installation.environment.YATA_DATA_DIR, `${client}-client.env`);
    const before = readFileSync(path, 'utf8');
    expect((await yata(['clients', 'rotate-secret', client])).stdout).toContain(`${path} now holds the new secret.`);
    expect(readFileSync(path, 'utf8')).not.toBe(before);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  }
  expect(await yata(['clients', 'list'])).toMatchObject({ code: 0 });
  expect(await yata(['clients', 'disable', 'admin'])).toMatchObject({
    code: 1,
    stderr: 'This change would leave no active client with the scope admin, so no client could undo it.\n',
  });

  expect(await yata(['clients', 'show', 'missing'])).toMatchObject({
    code: 1,
    stderr: 'There is no client with this id.\n',
  });
});
