import { readFileSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { Agent, request } from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { readAuthConfig } from '../../auth/config.ts';
import { skipOutsideCi } from '../../shared/testing/skip-outside-ci.ts';
import { makeTemporaryDirectory } from '../../shared/testing/temporary-directory.ts';
import { createCertificationAuthority } from '../support/create-certificates.ts';
import { LIST_TOOLS } from '../support/mcp-messages.ts';
import { openInstallation } from '../support/open-installation.ts';
import { isNginxInstalled, startNginx } from '../support/start-nginx.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

type Answer = { readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: string };
type Sent = { method?: string; headers?: Record<string, string>; body?: string };

const resources = new AsyncDisposableStack();
let nginxPort = 0;
let ca = '';
let demo = '';

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
  nginxPort = nginx.port;
  ca = readFileSync(authority.certificate, 'utf8');
  demo = `Basic ${btoa(`demo:${installation.secrets()[0]}`)}`;
});
afterAll(() => resources.disposeAsync());

beforeEach(({ skip }) => {
  if (!isNginxInstalled) skipOutsideCi(skip, 'nginx is not installed.');
});

/** Sends a request over TLS to nginx, as if the name of its host led there. `Host` has no port, as for port 443. */
async function send(url: string, { method = 'GET', headers = {}, body }: Sent = {}, agent?: Agent): Promise<Answer> {
  const { hostname, pathname, search } = new URL(url);
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        ...{ host: '127.0.0.1', port: nginxPort, servername: hostname, ca, method, path: pathname + search },
        headers: { host: hostname, ...headers },
        ...(agent !== undefined && { agent }),
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks).toString(),
          }),
        );
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

async function getToken(resource = 'https://todos.example.com/api/v1'): Promise<string> {
  const { status, body } = await send('https://auth.example.com/oauth/token', {
    method: 'POST',
    headers: { authorization: demo, 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ grant_type: 'client_credentials', resource }).toString(),
  });
  expect(status, body).toBe(200);
  return `Bearer ${JSON.parse(body).access_token}`;
}

const json = { 'content-type': 'application/json' };
const MCP = { ...json, accept: 'application/json, text/event-stream' };

async function create(authorization: string): Promise<Answer> {
  const body = JSON.stringify({ title: 'Behind nginx' });
  return send('https://todos.example.com/api/v1/todos', { method: 'POST', headers: { authorization, ...json }, body });
}

test('every URL that a client gets is the public one', async () => {
  const metadata = await send('https://auth.example.com/.well-known/oauth-authorization-server');
  expect(JSON.parse(metadata.body)).toMatchObject({
    issuer: 'https://auth.example.com',
    token_endpoint: 'https://auth.example.com/oauth/token',
    jwks_uri: 'https://auth.example.com/oauth/jwks',
  });
  const challenge = await send('https://mcp.example.com/mcp', { method: 'POST', headers: MCP, body: '{}' });
  expect([challenge.status, challenge.headers['www-authenticate']]).toEqual([
    401,
    expect.stringContaining('resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp"'),
  ]);
  const authorization = await getToken();
  const [created] = [await create(authorization), await create(authorization)];
  expect([created.status, created.headers.location]).toEqual([
    201,
    `https://todos.example.com/api/v1/todos/${JSON.parse(created.body).id}`,
  ]);
  const list = await send('https://todos.example.com/api/v1/todos?limit=1', { headers: { authorization } });
  expect(list.headers.link).toMatch(/^<https:\/\/todos\.example\.com\/api\/v1\/todos\?.*>; rel="next"$/);
});

test('what is not for clients is not forwarded', async () => {
  for (const host of ['auth', 'todos', 'mcp'])
    for (const path of ['health/ready', 'metrics'])
      expect((await send(`https://${host}.example.com/${path}`)).status).toBe(404);
});

test('mcp accepts its own host with and without the port, and the allowed one', async () => {
  const authorization = await getToken('https://mcp.example.com/mcp');
  const list = (host: string) =>
    send('https://mcp.example.com/mcp', {
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
  const authorization = await getToken('https://mcp.example.com/mcp');
  const call = { name: 'import_todos', arguments: { content: '- [ ] Buy milk' }, _meta: { progressToken: 1 } };
  const { status, headers, body } = await send('https://mcp.example.com/mcp', {
    method: 'POST',
    headers: { ...MCP, authorization },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: call }),
  });
  expect([status, headers['content-type']]).toEqual([200, expect.stringMatching(/^text\/event-stream/)]);
  expect(body).toMatch(/^event: message\ndata: .*"result"/m);
});

test('requests that wait for a change get their response', async () => {
  const authorization = await getToken();
  const { next } = JSON.parse(
    (await send('https://todos.example.com/api/v1/todos/changes', { headers: { authorization } })).body,
  );
  const waiting = send(`https://todos.example.com/api/v1/todos/changes?since=${next}`, {
    headers: { authorization, prefer: 'wait=20' },
  });
  await delay(200);
  await create(authorization);
  const { status, headers, body } = await waiting;
  expect([status, headers['preference-applied']]).toEqual([200, 'wait']);
  expect(JSON.parse(body).changes).toHaveLength(1);

  const lists = await send('https://auth.example.com/oauth/status-lists');
  const unchanged = await send('https://auth.example.com/oauth/status-lists', {
    headers: { 'if-none-match': String(lists.headers.etag), prefer: 'wait=1' },
  });
  expect(unchanged.status).toBe(304);
});

test('a response that nginx compresses has a weak entity tag, which is accepted in If-None-Match', async () => {
  const authorization = await getToken();
  const { headers: created } = await create(authorization);
  const url = String(created.location);
  const compressed = await send(url, { headers: { authorization, 'accept-encoding': 'gzip' } });
  expect([compressed.headers['content-encoding'], compressed.headers.etag]).toEqual(['gzip', 'W/"1"']);
  const again = await send(url, { headers: { authorization, 'if-none-match': 'W/"1"' } });
  expect(again.status).toBe(304);
});

test('nginx closes an idle connection before the service does', async () => {
  const { HTTP_KEEP_ALIVE } = readAuthConfig({});
  const timeouts = [...readFileSync('docs/examples/nginx.conf', 'utf8').matchAll(/keepalive_timeout (\d+)s/g)];
  expect(timeouts).toHaveLength(3);
  for (const [, seconds] of timeouts) expect(Number(seconds)).toBeLessThan(HTTP_KEEP_ALIVE);
});

test('requests after pauses, for which nginx has closed its connections or not, are all answered', async () => {
  const authorization = await getToken();
  const agent = new Agent({ keepAlive: true });
  const statuses: number[] = [];
  await Promise.all(
    Array.from({ length: 20 }, async (_, client) => {
      for (let round = 0; round < 3; round += 1) {
        const options = { method: 'POST', headers: { authorization, ...json }, body: '{"title":"a"}' };
        statuses.push((await send('https://todos.example.com/api/v1/todos', options, agent)).status);
        await delay(900 + client * 10);
      }
    }),
  );
  agent.destroy();
  expect(statuses).toEqual(Array.from({ length: 60 }, () => 201));
});
