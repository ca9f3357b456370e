import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { readAuthConfig } from '../../auth/config.ts';
import { getFreePort } from '../../shared/testing/free-port.ts';
import { makeTemporaryDirectory } from '../../shared/testing/temporary-directory.ts';
import { createCertificationAuthority } from '../support/create-certificates.ts';
import { openInstallation } from '../support/open-installation.ts';
import { createProxyClient, type ProxyClient } from '../support/proxy-client.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

const EXAMPLE = 'docs/examples/Caddyfile';
const PROGRAM = ['/usr/bin/caddy', '/usr/local/bin/caddy'].find((path) => existsSync(path));

const resources = new AsyncDisposableStack();
let client: ProxyClient;

beforeAll(async () => {
  if (PROGRAM === undefined) return;
  const directory = resources.use(makeTemporaryDirectory());
  const installation = resources.use(await openInstallation());
  const { AUTH_PORT, API_PORT, MCP_PORT } = installation.environment;
  resources.use(
    await installation.start({
      AUTH_ISSUER: 'https://auth.example.com',
      API_RESOURCE: 'https://todos.example.com/api/v1',
      MCP_RESOURCE: 'https://mcp.example.com/mcp',
      AUTH_TRUSTED_PROXIES: 'loopback',
      API_TRUSTED_PROXIES: 'loopback',
      MCP_TRUSTED_PROXIES: 'loopback',
    }),
  );
  const authority = createCertificationAuthority(directory.path, 'ca');
  const { certificate, key } = authority.issue('*.example.com');
  const port = await getFreePort();
  resources.use(
    await startCaddy(
      PROGRAM,
      { directory: directory.path, port },
      {
        '127.0.0.1:3000': `127.0.0.1:${AUTH_PORT}`,
        '127.0.0.1:3001': `127.0.0.1:${API_PORT}`,
        '127.0.0.1:3002': `127.0.0.1:${MCP_PORT}`,
        // another port, and no certificates from the internet
        '\nauth.example.com {': `\nhttps://auth.example.com:${port} {\ntls ${certificate} ${key}`,
        '\ntodos.example.com {': `\nhttps://todos.example.com:${port} {\ntls ${certificate} ${key}`,
        '\nmcp.example.com {': `\nhttps://mcp.example.com:${port} {\ntls ${certificate} ${key}`,
      },
    ),
  );
  const [secret = ''] = installation.secrets();
  client = createProxyClient({ port, ca: readFileSync(authority.certificate, 'utf8'), secret });
});
afterAll(() => resources.disposeAsync());

beforeEach(({ skip }) => {
  if (PROGRAM === undefined) skip('Caddy is not installed.');
});

test('every URL that a client gets is the public one, and what is not for clients is not forwarded', async () => {
  const metadata = await client.send('https://auth.example.com/.well-known/oauth-authorization-server');
  expect(JSON.parse(metadata.body)).toMatchObject({
    issuer: 'https://auth.example.com',
    token_endpoint: 'https://auth.example.com/oauth/token',
  });
  const created = await client.create(await client.getToken());
  expect([created.status, created.headers.location]).toEqual([
    201,
    `https://todos.example.com/api/v1/todos/${JSON.parse(created.body).id}`,
  ]);
  for (const host of ['auth', 'todos', 'mcp'])
    for (const path of ['health/ready', 'health', 'metrics'])
      expect((await client.send(`https://${host}.example.com/${path}`)).status).toBe(404);
});

test('a tool call that reports progress is a stream of events', async () => {
  const authorization = await client.getToken('https://mcp.example.com/mcp');
  const call = { name: 'import_todos', arguments: { content: '- [ ] Buy milk' }, _meta: { progressToken: 1 } };
  const { status, headers, body } = await client.send('https://mcp.example.com/mcp', {
    method: 'POST',
    headers: { ...JSON_BODY, accept: 'application/json, text/event-stream', authorization },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: call }),
  });
  expect([status, headers['content-type']]).toEqual([200, expect.stringMatching(/^text\/event-stream/)]);
  expect(body).toMatch(/^event: message\ndata: .*"result"/m);
});

test('a request waits 25 seconds for a change, and another one ends with the change', async () => {
  const authorization = await client.getToken();
  const changes = (query: string, wait: number) =>
    client.send(`https://todos.example.com/api/v1/todos/changes${query}`, {
      headers: { authorization, prefer: `wait=${wait}` },
    });
  const { next } = JSON.parse((await changes('', 0)).body);
  const startedAt = Date.now();
  const unchanged = await changes(`?since=${next}`, 25);
  expect([unchanged.status, JSON.parse(unchanged.body).changes]).toEqual([200, []]);
  expect(Date.now() - startedAt).toBeGreaterThan(24_000);
  const waiting = changes(`?since=${next}`, 20);
  await delay(200);
  await client.create(authorization);
  expect(JSON.parse((await waiting).body).changes).toHaveLength(1);
});

test('a response that Caddy compresses has an entity tag that is accepted', async () => {
  const authorization = await client.getToken();
  const { headers: created } = await client.create(authorization);
  const url = String(created.location);
  const { headers } = await client.send(url, { headers: { authorization, 'accept-encoding': 'gzip' } });
  const again = await client.send(url, { headers: { authorization, 'if-none-match': String(headers.etag) } });
  expect(again.status).toBe(304);
});

test('Caddy closes an idle connection before the service does', () => {
  const [, seconds] = /^\s+keepalive (\d+)s$/m.exec(readFileSync(EXAMPLE, 'utf8')) ?? [];
  expect(Number(seconds)).toBeLessThan(readAuthConfig({}).HTTP_KEEP_ALIVE);
});

const JSON_BODY = { 'content-type': 'application/json' };

/** Starts Caddy with the example, as an operator does, and with texts of it replaced. */
async function startCaddy(
  program: string,
  { directory, port }: { directory: string; port: number },
  replacements: Readonly<Record<string, string>>,
): Promise<AsyncDisposable> {
  let example = readFileSync(EXAMPLE, 'utf8');
  for (const [text, replacement] of Object.entries(replacements)) {
    if (!example.includes(text)) throw new Error(`${EXAMPLE} does not contain ${text}`);
    example = example.replaceAll(text, replacement);
  }
  const configuration = join(directory, 'Caddyfile');
  writeFileSync(configuration, `{\nadmin off\nauto_https disable_redirects\n}\n${example}`);
  const child = spawn(program, ['run', '--config', configuration, '--adapter', 'caddyfile'], {
    env: { PATH: process.env.PATH, HOME: directory },
  });
  let output = '';
  child.stderr.on('data', (chunk) => {
    output += chunk;
  });
  const closed = once(child, 'close');
  await vi.waitFor(async () => {
    if (child.exitCode !== null) throw new Error(`Caddy ended: ${output}`);
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect').finally(() => socket.destroy());
  }, 10_000);
  return {
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await closed;
    },
  };
}
