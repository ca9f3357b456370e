import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { parseEnv, promisify } from 'node:util';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { expect, test, vi } from 'vitest';
import * as z from 'zod';
import { getFreePort } from '../../shared/testing/free-port.ts';
import { makeTemporaryDirectory } from '../../shared/testing/temporary-directory.ts';
import { Todo } from '../../shared/todo/todo.ts';
import { listPages, readRunnableCommands } from '../support/documentation.ts';
import { connectMcpClient } from '../support/mcp-client.ts';
import { openInstallation } from '../support/open-installation.ts';
import { runInShell, runPrintedCommands } from '../support/run-printed-commands.ts';
import { type RunningProcess, startProcess } from '../support/start-process.ts';

// these tests start several processes, one after another, which takes long on a busy machine
vi.setConfig({ testTimeout: 90_000 });

/** Parses the MCP server configurations that a start printed: for stdio, and for HTTP. */
function parsePrintedServers(running: RunningProcess) {
  const Servers = z.object({ mcpServers: z.object({ yata: z.record(z.string(), z.unknown()) }) });
  return [...running.output().matchAll(/^ {2}(\{.*\})$/gm)].map(
    ([, json]) => Servers.parse(JSON.parse(json ?? '')).mcpServers.yata,
  );
}

test('the commands that the first start prints work when they are pasted into a shell', async () => {
  await using installation = await openInstallation("the user's data");
  await using running = await installation.start();

  const answers = (await runPrintedCommands(running, ['Get an access token', 'Use it'])).trim();
  const [created = '', listed = ''] = answers.split(/(?<=\})(?=\[)/);
  const todo = Todo.parse(JSON.parse(created));
  expect(todo.title).toBe('Try yata');
  expect(JSON.parse(listed)).toEqual([todo]);

  const [stdio, withHelper, withToken] = parsePrintedServers(running);
  const Stdio = z.object({ command: z.string(), args: z.array(z.string()), env: z.record(z.string(), z.string()) });
  await using overStdio = await connectMcpClient(new StdioClientTransport(Stdio.parse(stdio)));
  expect((await overStdio.callTool({ name: 'list_todos' })).structuredContent).toMatchObject({
    todos: [{ id: todo.id, title: 'Try yata' }],
    total: 1,
  });

  const Http = z.object({ type: z.literal('http'), url: z.url(), headers: z.object({ Authorization: z.string() }) });
  const { url, headers } = Http.parse(withToken);
  expect(headers.Authorization).toMatch(/^Bearer \$\{YATA_TOKEN\}$/);
  const token = await runPrintedCommands(running, ['Any other host'], 'printf %s "$YATA_TOKEN"');
  const requestInit = { headers: { Authorization: `Bearer ${token}` } };
  await using overHttp = await connectMcpClient(new StreamableHTTPClientTransport(new URL(url), { requestInit }));
  expect((await overHttp.callTool({ name: 'list_todos' })).structuredContent).toMatchObject({
    todos: [{ id: todo.id, title: 'Try yata' }],
    total: 1,
  });

  const { headersHelper } = z.object({ headersHelper: z.string() }).parse(withHelper);
  // a host starts the helper in a directory of its own
  const printed = await runInShell(`cd / && ${headersHelper}`);
  const helped = { headers: z.record(z.string(), z.string()).parse(JSON.parse(printed)) };
  await using withHeaders = await connectMcpClient(
    new StreamableHTTPClientTransport(new URL(url), { requestInit: helped }),
  );
  expect((await withHeaders.callTool({ name: 'list_todos' })).structuredContent).toMatchObject({ total: 1 });

  for (const name of [
    'demo-client.env',
    'admin-client.env',
    'mcp-client.env',
    'api-client.env',
    'key-encryption-key',
  ]) {
    expect(statSync(join(installation.data, name)).mode & 0o777).toBe(0o600);
  }
  expect(await running.end('SIGTERM')).toBe(0);
});

test.each(listPages().filter((page) => readRunnableCommands(page) !== ''))(
  'the runnable commands of %s work as they are written',
  async (page) => {
    await using installation = await openInstallation();
    await using _running = await installation.start();
    const { AUTH_PORT, API_PORT, MCP_PORT, ...others } = installation.environment;
    const commands = readRunnableCommands(page)
      .replaceAll('./data/', `${installation.data}/`)
      .replaceAll(':3000/', `:${AUTH_PORT}/`)
      .replaceAll(':3001/', `:${API_PORT}/`)
      .replaceAll(':3002/', `:${MCP_PORT}/`);
    const stdout = await runInShell(`${commands}\nprintf '\\n%s' "$YATA_TOKEN"`, { ...others, AUTH_PORT });
    expect(stdout).not.toMatch(/"status":[45]\d\d/);
    for (const expected of EXPECTED_OUTPUT[page] ?? []) expect(stdout).toMatch(expected);
  },
);

/** What the commands of a page print, beside responses that are not errors. */
const EXPECTED_OUTPUT: Readonly<Record<string, readonly RegExp[]>> = {
  'README.md': [
    /^\{.*"title":"Try yata".*\}\[\{.*"title":"Try yata".*\}\]$/m,
    // the last line is the access token for the MCP server
    /\n[\w-]+\.[\w-]+\.[\w-]+$/,
  ],
  'docs/todos-with-curl.md': [/\{"message":"The todo was deleted"\}/, /"change":"restored".*"title":"Pay rent"/],
};

test('a second process on the same data directory is rejected, and the first process continues', async ({ skip }) => {
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

test('an invalid environment is rejected with a line for every invalid variable', async () => {
  const invalid = {
    AUTH_PORT: 'x',
    AUTH_ISSUER: 'http://auth.example',
    AUTH_KEY_ENCRYPTION_KEY: 'short',
    ACCESS_TOKEN_TTL: '1',
    API_PORT: 'abc',
    API_DATABASE_URL: 'postgresql://[bad/x',
    MCP_PORT: '-1',
    AUTH_URL: 'auth',
  };
  await using rejected = await startProcess(['yata.ts', 'start'], invalid, 'The configuration is not valid');
  expect(await rejected.ended).toBe(1);
  expect(rejected.output()).not.toContain('Starting');
  for (const name of Object.keys(invalid))
    expect(rejected.output()).toMatch(new RegExp(`^ {2}${name}: expected `, 'm'));
});

test('every variable can come from a file, also one from which other values are derived', async () => {
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

test('the services can reach each other when HOST is an IPv6 address', async ({ skip }) => {
  skip(
    !Object.values(networkInterfaces())
      .flat()
      .some((address) => address?.address === '::1'),
    'this machine has no IPv6',
  );
  await using installation = await openInstallation();
  await using running = await installation.start({ HOST: '0:0:0:0:0:0:0:1' });
  expect(await running.end('SIGTERM')).toBe(0);
});

test('the printed MCP configuration allows http to another host if the environment does', async () => {
  await using installation = await openInstallation();
  const api = `http://yata.invalid:${installation.environment.API_PORT}/api/v1`;
  await using running = await installation.start({ ALLOW_INSECURE_HTTP: 'true', API_RESOURCE: api });
  expect(parsePrintedServers(running)[0]).toMatchObject({ env: { API_BASE_URL: api, ALLOW_INSECURE_HTTP: 'true' } });
});

test('npm run mcp:stdio reads the credentials from the data directory', async () => {
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

test('a start on a port that is in use fails with EADDRINUSE', async () => {
  await using first = await openInstallation();
  await using running = await first.start();
  await using second = await openInstallation();
  const { AUTH_PORT } = first.environment;
  await using rejected = await startProcess(['yata.ts', 'start'], { ...second.environment, AUTH_PORT }, 'EADDRINUSE');
  expect(await rejected.ended).toBe(1);
  expect(await runPrintedCommands(running, ['Get an access token', 'Use it'])).toContain('Try yata');
});

test('each service starts in its own process, and all become ready', async ({ skip }) => {
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
