import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parseEnv, promisify } from 'node:util';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { expect, test, vi } from 'vitest';
import * as z from 'zod';
import { getFreePort } from '../../shared/testing/free-port.ts';
import { makeTemporaryDirectory } from '../../shared/testing/temporary-directory.ts';
import { Todo } from '../../shared/todo/todo.ts';
import { connect } from '../support/mcp-client.ts';
import { createToolCall } from '../support/mcp-messages.ts';
import { openInstallation } from '../support/open-installation.ts';
import { basicAuthorization } from '../support/post-as-client.ts';
import { postMcpMessage } from '../support/post-mcp-message.ts';
import { requestTodos } from '../support/request-todos.ts';
import { runInShell, runPrintedCommands } from '../support/run-printed-commands.ts';
import { runYata } from '../support/run-yata.ts';
import { type RunningProcess, startProcess } from '../support/start-process.ts';

function printedServers(running: RunningProcess) {
  const Servers = z.object({ mcpServers: z.object({ yata: z.record(z.string(), z.unknown()) }) });
  return [...running.output().matchAll(/^ {2}(\{.*\})$/gm)].map(
    ([, json]) => Servers.parse(JSON.parse(json ?? '')).mcpServers.yata,
  );
}

test('what the first start prints works as it is pasted', async () => {
  await using installation = await openInstallation("the user's data");
  await using running = await installation.start();

  const answers = (await runPrintedCommands(running, ['Get an access token', 'Use it'])).trim();
  const [created = '', listed = ''] = answers.split(/(?<=\})(?=\[)/);
  const todo = Todo.parse(JSON.parse(created));
  expect(todo.title).toBe('Try yata');
  expect(JSON.parse(listed)).toEqual([todo]);

  const [stdio, http] = printedServers(running);
  const Stdio = z.object({ command: z.string(), args: z.array(z.string()), env: z.record(z.string(), z.string()) });
  await using overStdio = await connect(new StdioClientTransport(Stdio.parse(stdio)));
  expect((await overStdio.callTool({ name: 'list_todos' })).structuredContent).toMatchObject({
    todos: [{ id: todo.id, title: 'Try yata' }],
    total: 1,
  });

  const Http = z.object({ type: z.literal('http'), url: z.url(), headers: z.object({ Authorization: z.string() }) });
  const { url, headers } = Http.parse(http);
  expect(headers.Authorization).toMatch(/^Bearer \$\{YATA_TOKEN\}$/);
  const token = await runPrintedCommands(running, ['Get an access token', 'Or over HTTP'], 'printf %s "$YATA_TOKEN"');
  const requestInit = { headers: { Authorization: `Bearer ${token}` } };
  await using overHttp = await connect(new StreamableHTTPClientTransport(new URL(url), { requestInit }));
  expect((await overHttp.callTool({ name: 'list_todos' })).structuredContent).toMatchObject({
    todos: [{ id: todo.id, title: 'Try yata' }],
    total: 1,
  });

  for (const name of ['demo-client.env', 'admin-client.env', 'mcp-client.env', 'key-encryption-key']) {
    expect(statSync(join(installation.data, name)).mode & 0o777).toBe(0o600);
  }
  expect(await running.end('SIGTERM')).toBe(0);
});

test('the curl of the README works as it is written', async () => {
  await using installation = await openInstallation();
  await using _running = await installation.start();
  const { AUTH_PORT, API_PORT, MCP_PORT } = installation.environment;
  const blocks = [...readFileSync('README.md', 'utf8').matchAll(/```sh\n(.*?)```/gs)].map(([, block]) => block ?? '');
  const commands = blocks
    .filter((block) => block.includes('curl'))
    .join('\n')
    .replaceAll('./data/', `${installation.data}/`)
    .replaceAll(':3000/', `:${AUTH_PORT}/`)
    .replaceAll(':3001/', `:${API_PORT}/`)
    .replaceAll(':3002/', `:${MCP_PORT}/`);
  const stdout = await runInShell(`${commands}\nprintf '\\n%s' "$YATA_TOKEN"`);
  const lines = stdout.split('\n');
  const [todos = '', token = ''] = [lines[0], lines.at(-1)];
  expect(todos).toMatch(/^\{.*"title":"Try yata".*\}\[\{.*"title":"Try yata".*\}\]/);
  expect(stdout).toContain('{"message":"The todo was deleted"}');
  expect(stdout).toMatch(/"change":"restored".*"title":"Pay rent"/);
  expect(stdout).not.toMatch(/"status":[45]\d\d/);
  expect(token.split('.')).toHaveLength(3);
});

test('what was acknowledged survives kill -9, clients and keys too', async () => {
  await using installation = await openInstallation();
  const acknowledged: string[] = [];
  let token = '';
  for (let round = 0; round < 3; round += 1) {
    await using running = await installation.start();
    if (token === '') token = await runPrintedCommands(running, ['Get an access token'], 'printf %s "$TOKEN"');
    const url = `http://localhost:${installation.environment.API_PORT}/api/v1/todos`;
    // the access token of the first start is good after the others: the signing key is the same
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

test('a start that is killed half way does not hinder the next', async ({ skip }) => {
  await using installation = await openInstallation();
  skip(!installation.isEmbedded, 'only the embedded database is made by the start');
  for (const milliseconds of [100, 500, 900, 1300]) {
    const starting = startProcess(['yata.ts', 'start'], installation.environment, 'Starting yata');
    await using running = await starting;
    await setTimeout(milliseconds);
    await running.end('SIGKILL');
  }
  await using running = await installation.start();
  expect(await runPrintedCommands(running, ['Get an access token', 'Use it'])).toContain('Try yata');
});

test('a second start on the same data is refused, and the first goes on', async ({ skip }) => {
  await using installation = await openInstallation();
  skip(!installation.isEmbedded, 'processes on PostgreSQL may share a data directory');
  await using running = await installation.start();
  const ports = {
    AUTH_PORT: String(await getFreePort()),
    API_PORT: String(await getFreePort()),
    MCP_PORT: String(await getFreePort()),
  };
  for (const args of [['yata.ts', 'start'], ['auth/main.ts'], ['api/main.ts']]) {
    await using second = await startProcess(
      args,
      { ...installation.environment, ...ports },
      'Another process uses the data directory',
    );
    expect(await second.ended).toBe(1);
    expect(second.output()).toContain('YATA_DATA_DIR');
  }
  expect(await runPrintedCommands(running, ['Get an access token', 'Use it'])).toContain('Try yata');
});

test('an environment that is wrong is refused with all that is wrong in it', async () => {
  const wrong = {
    AUTH_PORT: 'x',
    AUTH_ISSUER: 'http://auth.example',
    AUTH_KEY_ENCRYPTION_KEY: 'short',
    ACCESS_TOKEN_TTL: '1',
    API_PORT: 'abc',
    API_DATABASE_URL: 'postgresql://[bad/x',
    MCP_PORT: '-1',
    AUTH_URL: 'auth',
  };
  await using refused = await startProcess(['yata.ts', 'start'], wrong, 'The configuration is not valid');
  expect(await refused.ended).toBe(1);
  expect(refused.output()).not.toContain('Starting');
  for (const name of Object.keys(wrong)) expect(refused.output()).toMatch(new RegExp(`^ {2}${name}: expected `, 'm'));
});

test('every variable may come from a file, those too that others follow', async () => {
  await using installation = await openInstallation();
  using directory = makeTemporaryDirectory();
  const { AUTH_PORT, ...others } = installation.environment;
  const inFiles = { AUTH_PORT, LOG_LEVEL: 'info', OAUTH_CLIENT_ID: 'another', OAUTH_CLIENT_SECRET: 'of another' };
  const files = Object.entries(inFiles).map(([name, text]) => {
    const file = join(directory.path, name);
    writeFileSync(file, `${text}\n`);
    return [`${name}_FILE`, file];
  });
  const environment: Record<string, string> = { ...others, ...Object.fromEntries(files) };
  await using running = await startProcess(['yata.ts', 'start'], environment, 'yata is up');
  expect(running.output()).toContain('"msg":"listening"');
  expect(running.output()).toContain(`auth   http://localhost:${AUTH_PORT}\n`);
  expect(await runPrintedCommands(running, ['Get an access token', 'Use it'])).toContain('Try yata');
});

test('--help is told on stdout, and what is not known is refused with the usage', async () => {
  await using help = await startProcess(['yata.ts', '--help'], {}, 'usage:');
  expect(await help.ended).toBe(0);
  for (const args of [['--verbose'], []]) {
    await using refused = await startProcess(['yata.ts', ...args], {}, 'usage:');
    expect(await refused.ended).toBe(2);
    expect(refused.output()).not.toContain('    at ');
  }
});

test('a signal stops all three from accepting at once, while a request of one of them is still running', async () => {
  await using installation = await openInstallation();
  await using running = await installation.start();
  const token = await runPrintedCommands(running, ['Get an access token', 'Or over HTTP'], 'printf %s "$YATA_TOKEN"');
  const { AUTH_PORT, API_PORT, MCP_PORT } = installation.environment;
  const request = createConnection(Number(MCP_PORT), '127.0.0.1');
  const head = ['POST /mcp HTTP/1.1', `Host: localhost:${MCP_PORT}`, `Authorization: Bearer ${token}`];
  const rest = ['Content-Type: application/json', 'Content-Length: 100', 'Expect: 100-continue', '', '{'];
  const begun = once(request, 'data');
  request.write([...head, ...rest].join('\r\n'));
  expect(String(await begun)).toContain('100 Continue');
  const ended = running.end('SIGTERM');
  await vi.waitFor(async () => {
    for (const port of [AUTH_PORT, API_PORT, MCP_PORT])
      await expect(fetch(`http://127.0.0.1:${port}/health/live`)).rejects.toThrow('fetch failed');
  }, 8_000);
  // the drain would last ten seconds
  expect(request.destroyed).toBe(false);
  request.destroy();
  expect(await ended).toBe(0);
  // a caller who hangs up is no error, and nothing is written past the log
  expect(running.output()).not.toMatch(/^ *(Error|at )/m);
});

test('a process that cannot end is ended', async () => {
  const module = new URL('../../shared/run-until-signalled.ts', import.meta.url).href;
  const script = `
    import { runUntilSignalled } from '${module}';
    await runUntilSignalled(async (resources) => {
      setInterval(() => {}, 1000);
      resources.defer(() => new Promise(() => {}));
      process.stdout.write('ready');
    }, { shutdownTimeout: 200 });`;
  await using stuck = await startProcess(['--input-type=module', '--eval', script], {}, 'ready');
  expect(await stuck.end('SIGTERM')).toBe(1);
  expect(stuck.output()).toContain('did not stop within 0.2 seconds');
});

test('an IPv6 address to listen on is one to connect to', async ({ skip }) => {
  skip(
    !Object.values(networkInterfaces())
      .flat()
      .some((address) => address?.address === '::1'),
    'there is no IPv6',
  );
  await using installation = await openInstallation();
  await using running = await installation.start({ HOST: '0:0:0:0:0:0:0:1' });
  expect(await running.end('SIGTERM')).toBe(0);
});

test('where http on another host is allowed, the assistant is told so too', async () => {
  await using installation = await openInstallation();
  const api = `http://yata.invalid:${installation.environment.API_PORT}/api/v1`;
  await using running = await installation.start({ ALLOW_INSECURE_HTTP: 'true', API_RESOURCE: api });
  expect(printedServers(running)[0]).toMatchObject({ env: { API_BASE_URL: api, ALLOW_INSECURE_HTTP: 'true' } });
});

test('the scripts of an MCP process find the credentials in the data directory', async () => {
  using directory = makeTemporaryDirectory();
  const data = join(directory.path, 'the data');
  mkdirSync(data);
  const credentials = 'OAUTH_CLIENT_ID=demo\nOAUTH_CLIENT_SECRET=secret\n';
  writeFileSync(join(data, 'demo-client.env'), credentials);
  const env = { PATH: process.env.PATH ?? '', YATA_DATA_DIR: data };
  const running = promisify(execFile)('npm', ['run', '-s', 'mcp:stdio'], { env });
  running.child.stdin?.end('{"jsonrpc":"2.0","id":1,"method":"ping"}\n');
  expect((await running).stdout).toBe('{"result":{},"jsonrpc":"2.0","id":1}\n');
});

test('a port that is taken is said, and the process ends', async () => {
  await using first = await openInstallation();
  await using running = await first.start();
  await using second = await openInstallation();
  const { AUTH_PORT } = first.environment;
  await using refused = await startProcess(['yata.ts', 'start'], { ...second.environment, AUTH_PORT }, 'EADDRINUSE');
  expect(await refused.ended).toBe(1);
  expect(await runPrintedCommands(running, ['Get an access token', 'Use it'])).toContain('Try yata');
});

test('no secret and no access token is written to the log', async () => {
  await using installation = await openInstallation();
  await using running = await installation.start({ LOG_LEVEL: 'debug' });
  const token = await runPrintedCommands(running, ['Get an access token'], 'printf %s "$TOKEN"');
  const { AUTH_PORT, API_PORT, MCP_PORT } = installation.environment;
  const [secret = ''] = installation.secrets();
  // what goes wrong is what is logged
  const post = (url: string, authorization: string, body: string, type = 'application/x-www-form-urlencoded') =>
    fetch(url, {
      method: 'POST',
      headers: { authorization, 'content-type': type, accept: 'application/json, text/event-stream' },
      body,
    });
  await post(
    `http://localhost:${AUTH_PORT}/oauth/token`,
    basicAuthorization({ id: 'demo', secret: `${secret}x` }),
    'grant_type=client_credentials',
  );
  await post(
    `http://localhost:${AUTH_PORT}/oauth/token`,
    '',
    `grant_type=client_credentials&client_id=demo&client_secret=${secret}&scope=no`,
  );
  await post(`http://localhost:${API_PORT}/api/v1/todos`, `Bearer ${token}x`, '{}', 'application/json');
  await post(`http://localhost:${API_PORT}/api/v1/todos`, `Bearer ${token}`, '{', 'application/json');
  await post(`http://localhost:${MCP_PORT}/mcp`, `Bearer ${token}`, '{}', 'application/json');
  expect(await running.end('SIGINT')).toBe(0);
  for (const credential of [...installation.secrets(), token, token.split('.')[2] ?? ''])
    expect(running.output()).not.toContain(credential);
  expect(running.output()).toContain('"msg":"listening"');
});

test('each service starts alone, and they find each other', async ({ skip }) => {
  await using installation = await openInstallation();
  skip(installation.isEmbedded, 'two processes cannot share the embedded database');
  const { environment, data } = installation;
  await using _auth = await startProcess(['auth/main.ts'], environment, '"listening"');
  await using _api = await startProcess(['api/main.ts'], environment, '"listening"');
  const credentials = parseEnv(readFileSync(join(data, 'mcp-client.env'), 'utf8'));
  await using _mcp = await startProcess(
    ['mcp/main.ts'],
    { ...environment, ...credentials } as Record<string, string>,
    '"listening"',
  );
  for (const port of [environment.AUTH_PORT, environment.API_PORT, environment.MCP_PORT]) {
    expect((await fetch(`http://localhost:${port}/health/ready`)).status).toBe(200);
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

test('one request id runs through mcp, api and auth, with who called for whom and never a token', async () => {
  await using installation = await openInstallation();
  await using running = await installation.start({ LOG_LEVEL: 'info' });
  const token = await runPrintedCommands(running, ['Get an access token', 'Or over HTTP'], 'printf %s "$YATA_TOKEN"');
  const { MCP_PORT } = installation.environment;
  const response = await postMcpMessage(`http://localhost:${MCP_PORT}/mcp`, createToolCall('list_todos'), {
    accessToken: token,
    headers: { 'x-request-id': 'one-request-of-mine' },
  });
  expect({ status: response.status, id: response.headers.get('x-request-id') }).toEqual({
    status: 200,
    id: 'one-request-of-mine',
  });
  const Line = z.object({ name: z.string(), msg: z.string(), request_id: z.string().optional() }).loose();
  const lines = await vi.waitFor(() => {
    const parsed = running
      .output()
      .split('\n')
      .filter((line) => line.startsWith('{"level"'))
      .map((line) => Line.parse(JSON.parse(line)));
    const found = parsed.filter(({ request_id }) => request_id === 'one-request-of-mine');
    expect(found).toHaveLength(3);
    return found;
  }, 10_000);
  const byName = Object.fromEntries(lines.map((line) => [line.name, line]));
  expect(byName.mcp).toMatchObject({
    msg: 'request',
    path: '/mcp',
    status: 200,
    sub: 'demo',
    client_id: 'demo',
    jti: expect.any(String),
  });
  expect(byName.auth).toMatchObject({
    msg: 'access token issued',
    sub: 'demo',
    client_id: 'mcp',
    act: { sub: 'mcp' },
    jti: expect.any(String),
  });
  expect(byName.api).toMatchObject({
    msg: 'request',
    path: '/api/v1/todos',
    sub: 'demo',
    client_id: 'mcp',
    act: { sub: 'mcp' },
    jti: byName.auth?.jti,
  });
  expect(running.output()).not.toContain(token);
  for (const secret of installation.secrets()) expect(running.output()).not.toContain(secret);
});
