import { readFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { readAuthConfig } from '../../auth/config.ts';
import { skipOutsideCi } from '../../shared/testing/skip-outside-ci.ts';
import { makeTemporaryDirectory } from '../../shared/testing/temporary-directory.ts';
import { createCertificationAuthority } from '../support/create-certificates.ts';
import { LIST_TOOLS } from '../support/mcp-messages.ts';
import { openInstallation } from '../support/open-installation.ts';
import { createProxyClient, type ProxyClient } from '../support/proxy-client.ts';
import { isNginxInstalled, startNginx } from '../support/start-nginx.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

const resources = new AsyncDisposableStack();
let client: ProxyClient;

beforeAll(async () => {
  if (!isNginxInstalled) return;
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
      MCP_ALLOWED_HOSTS: 'tools.example.com',
      HTTP_KEEP_ALIVE: '2',
    }),
  );
  const authority = createCertificationAuthority(directory.path, 'ca');
  const { certificate, key } = authority.issue('*.example.com');
  const nginx = await startNginx(directory.path, {
    certificate,
    key,
    replacements: {
      '127.0.0.1:3000': `127.0.0.1:${AUTH_PORT}`,
      '127.0.0.1:3001': `127.0.0.1:${API_PORT}`,
      '127.0.0.1:3002': `127.0.0.1:${MCP_PORT}`,
      // less than HTTP_KEEP_ALIVE, and so short that the test sees connections close
      'keepalive_timeout 60s': 'keepalive_timeout 1s',
      'server_name mcp.example.com': 'server_name mcp.example.com tools.example.com other.example.com',
    },
  });
  resources.use(nginx);
  const [secret = ''] = installation.secrets();
  client = createProxyClient({ port: nginx.port, ca: readFileSync(authority.certificate, 'utf8'), secret });
});
afterAll(() => resources.disposeAsync());

beforeEach(({ skip }) => {
  if (!isNginxInstalled) skipOutsideCi(skip, 'nginx is not installed.');
});

const json = { 'content-type': 'application/json' };
const MCP = { ...json, accept: 'application/json, text/event-stream' };

test('every URL that a client gets is the public one', async () => {
  const metadata = await client.send('https://auth.example.com/.well-known/oauth-authorization-server');
  expect(JSON.parse(metadata.body)).toMatchObject({
    issuer: 'https://auth.example.com',
    token_endpoint: 'https://auth.example.com/oauth/token',
    jwks_uri: 'https://auth.example.com/oauth/jwks',
  });
  const challenge = await client.send('https://mcp.example.com/mcp', { method: 'POST', headers: MCP, body: '{}' });
  expect([challenge.status, challenge.headers['www-authenticate']]).toEqual([
    401,
    expect.stringContaining('resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp"'),
  ]);
  const authorization = await client.getToken();
  const [created] = [await client.create(authorization), await client.create(authorization)];
  expect([created.status, created.headers.location]).toEqual([
    201,
    `https://todos.example.com/api/v1/todos/${JSON.parse(created.body).id}`,
  ]);
  const list = await client.send('https://todos.example.com/api/v1/todos?limit=1', { headers: { authorization } });
  expect(list.headers.link).toMatch(/^<https:\/\/todos\.example\.com\/api\/v1\/todos\?.*>; rel="next"$/);
});

test('what is not for clients is not forwarded', async () => {
  for (const host of ['auth', 'todos', 'mcp'])
    for (const path of ['health/ready', 'metrics'])
      expect((await client.send(`https://${host}.example.com/${path}`)).status).toBe(404);
});

test('mcp accepts its own host with and without the port, and the allowed one', async () => {
  const authorization = await client.getToken('https://mcp.example.com/mcp');
  const list = (host: string) =>
    client.send('https://mcp.example.com/mcp', {
      method: 'POST',
      headers: { ...MCP, authorization, host },
      body: JSON.stringify(LIST_TOOLS),
    });
  for (const host of ['mcp.example.com', 'mcp.example.com:443', 'tools.example.com'])
    expect((await list(host)).status).toBe(200);
  const rejected = await list('other.example.com');
  expect([rejected.status, rejected.body]).toEqual([403, expect.stringContaining('other.example.com')]);
});

test('a tool call that reports progress is a stream of events', async () => {
  const authorization = await client.getToken('https://mcp.example.com/mcp');
  const call = { name: 'import_todos', arguments: { content: '- [ ] Buy milk' }, _meta: { progressToken: 1 } };
  const { status, headers, body } = await client.send('https://mcp.example.com/mcp', {
    method: 'POST',
    headers: { ...MCP, authorization },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: call }),
  });
  expect([status, headers['content-type']]).toEqual([200, expect.stringMatching(/^text\/event-stream/)]);
  expect(body).toMatch(/^event: message\ndata: .*"result"/m);
});

test('requests that wait for a change get their response', async () => {
  const authorization = await client.getToken();
  const { next } = JSON.parse(
    (await client.send('https://todos.example.com/api/v1/todos/changes', { headers: { authorization } })).body,
  );
  const waiting = client.send(`https://todos.example.com/api/v1/todos/changes?since=${next}`, {
    headers: { authorization, prefer: 'wait=20' },
  });
  await delay(200);
  await client.create(authorization);
  const { status, headers, body } = await waiting;
  expect([status, headers['preference-applied']]).toEqual([200, 'wait']);
  expect(JSON.parse(body).changes).toHaveLength(1);

  const lists = await client.send('https://auth.example.com/oauth/status-lists');
  const unchanged = await client.send('https://auth.example.com/oauth/status-lists', {
    headers: { 'if-none-match': String(lists.headers.etag), prefer: 'wait=1' },
  });
  expect(unchanged.status).toBe(304);
});

test('a response that nginx compresses has a weak entity tag, which is accepted in If-None-Match', async () => {
  const authorization = await client.getToken();
  const { headers: created } = await client.create(authorization);
  const url = String(created.location);
  const compressed = await client.send(url, { headers: { authorization, 'accept-encoding': 'gzip' } });
  expect([compressed.headers['content-encoding'], compressed.headers.etag]).toEqual(['gzip', 'W/"1"']);
  const again = await client.send(url, { headers: { authorization, 'if-none-match': 'W/"1"' } });
  expect(again.status).toBe(304);
});

test('nginx closes an idle connection before the service does', async () => {
  const { HTTP_KEEP_ALIVE } = readAuthConfig({});
  const timeouts = [...readFileSync('docs/examples/nginx.conf', 'utf8').matchAll(/keepalive_timeout (\d+)s/g)];
  expect(timeouts).toHaveLength(3);
  for (const [, seconds] of timeouts) expect(Number(seconds)).toBeLessThan(HTTP_KEEP_ALIVE);
});

test('requests after pauses, for which nginx has closed its connections or not, are all answered', async () => {
  const authorization = await client.getToken();
  const agent = new Agent({ keepAlive: true });
  const statuses: number[] = [];
  await Promise.all(
    Array.from({ length: 20 }, async (_, index) => {
      for (let round = 0; round < 3; round += 1) {
        const options = { method: 'POST', headers: { authorization, ...json }, body: '{"title":"a"}' };
        statuses.push((await client.send('https://todos.example.com/api/v1/todos', options, agent)).status);
        await delay(900 + index * 10);
      }
    }),
  );
  agent.destroy();
  expect(statuses).toEqual(Array.from({ length: 60 }, () => 201));
});
