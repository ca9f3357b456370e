import { afterAll, beforeAll, expect, test } from 'vitest';
import { LIST_TOOLS } from '../support/mcp-messages.ts';
import { postMcpMessage } from '../support/post-mcp-message.ts';
import { type System, startSystem } from '../support/start-system.ts';

const API_ORIGIN = 'https://app.example';
const MCP_ORIGIN = 'https://assistant.example';

let system: System;
beforeAll(async () => {
  system = await startSystem({
    API_CORS_ORIGINS: API_ORIGIN,
    MCP_CORS_ORIGINS: `${MCP_ORIGIN}, https://other.example`,
  });
});
afterAll(() => system[Symbol.asyncDispose]());

const bearer = async (resource: string) =>
  `Bearer ${await system.getAccessToken(await system.registerClient(), { resource })}`;
const allowedOrigin = ({ headers }: Response) => headers.get('access-control-allow-origin');
const sortedNames = (list: string | null) => list?.split(', ').sort();

test('a page of a configured origin can send requests to the API and read its responses and errors', async () => {
  const todos = `${system.apiResource}/todos`;
  const preflight = await fetch(todos, {
    method: 'OPTIONS',
    headers: {
      origin: API_ORIGIN,
      'access-control-request-method': 'PATCH',
      'access-control-request-headers': 'authorization,if-match',
    },
  });
  expect({ status: preflight.status, allowed: allowedOrigin(preflight) }).toEqual({ status: 204, allowed: API_ORIGIN });
  expect(sortedNames(preflight.headers.get('access-control-allow-methods'))).toEqual([
    'DELETE',
    'GET',
    'HEAD',
    'PATCH',
    'POST',
    'PUT',
  ]);
  expect(sortedNames(preflight.headers.get('access-control-allow-headers'))).toEqual([
    'Authorization',
    'Content-Type',
    'Idempotency-Key',
    'If-Match',
    'If-None-Match',
    'Prefer',
  ]);
  expect(preflight.headers.get('access-control-max-age')).toBe('600');

  const authorization = await bearer(system.apiResource);
  const read = await fetch(todos, { headers: { origin: API_ORIGIN, authorization } });
  expect({ status: read.status, allowed: allowedOrigin(read) }).toEqual({ status: 200, allowed: API_ORIGIN });
  expect(read.headers.get('vary')).toMatch(/\bOrigin\b/);
  expect(sortedNames(read.headers.get('access-control-expose-headers'))).toEqual(
    expect.arrayContaining(['ETag', 'Link', 'RateLimit', 'Total-Count', 'WWW-Authenticate', 'X-Request-Id']),
  );
  expect(read.headers.has('access-control-allow-credentials')).toBe(false);

  const rejected = await fetch(todos, { headers: { origin: API_ORIGIN } });
  expect({ status: rejected.status, allowed: allowedOrigin(rejected) }).toEqual({ status: 401, allowed: API_ORIGIN });
  expect(rejected.headers.get('www-authenticate')).toMatch(/^Bearer /);
  const notFound = await fetch(`${system.apiResource}/nothing`, { headers: { origin: API_ORIGIN } });
  expect({ status: notFound.status, allowed: allowedOrigin(notFound) }).toEqual({ status: 404, allowed: API_ORIGIN });
});

test('a page of another origin cannot read responses of the API', async () => {
  const authorization = await bearer(system.apiResource);
  for (const origin of [MCP_ORIGIN, 'https://evil.example']) {
    const read = await fetch(`${system.apiResource}/todos`, { headers: { origin, authorization } });
    expect(allowedOrigin(read)).toBeNull();
    expect(read.headers.get('vary')).toMatch(/\bOrigin\b/);
    const preflight = await fetch(`${system.apiResource}/todos`, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST' },
    });
    expect(allowedOrigin(preflight)).toBeNull();
  }
});

const listTools = (headers: Record<string, string>) => postMcpMessage(system.mcpResource, LIST_TOOLS, { headers });

test('a page of a configured origin can send requests to the MCP server and read its results and errors', async () => {
  const preflight = await fetch(system.mcpResource, {
    method: 'OPTIONS',
    headers: {
      origin: MCP_ORIGIN,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type,mcp-protocol-version',
    },
  });
  expect({ status: preflight.status, allowed: allowedOrigin(preflight) }).toEqual({ status: 204, allowed: MCP_ORIGIN });
  expect(sortedNames(preflight.headers.get('access-control-allow-headers'))).toEqual([
    'Accept',
    'Authorization',
    'Content-Type',
    'Last-Event-ID',
    'MCP-Protocol-Version',
    'Mcp-Method',
    'Mcp-Name',
    'Mcp-Session-Id',
  ]);

  const authorization = await bearer(system.mcpResource);
  const listed = await listTools({ origin: MCP_ORIGIN, authorization });
  expect({ status: listed.status, allowed: allowedOrigin(listed) }).toEqual({ status: 200, allowed: MCP_ORIGIN });
  const rejected = await listTools({ origin: MCP_ORIGIN });
  expect({ status: rejected.status, allowed: allowedOrigin(rejected) }).toEqual({ status: 401, allowed: MCP_ORIGIN });
  expect(sortedNames(rejected.headers.get('access-control-expose-headers'))).toContain('WWW-Authenticate');
});

test('the MCP server rejects a page of another origin with 403', async () => {
  const authorization = await bearer(system.mcpResource);
  for (const origin of [API_ORIGIN, 'https://evil.example', 'null']) {
    const rejected = await listTools({ origin, authorization });
    expect({ status: rejected.status, allowed: allowedOrigin(rejected) }).toEqual({ status: 403, allowed: null });
    const preflight = await fetch(system.mcpResource, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST' },
    });
    expect({ status: preflight.status, allowed: allowedOrigin(preflight) }).toEqual({ status: 403, allowed: null });
  }
});

test('a page of any origin can read the protected resource metadata', async () => {
  for (const resource of [system.apiResource, system.mcpResource]) {
    const { origin: server, pathname } = new URL(resource);
    for (const origin of [API_ORIGIN, MCP_ORIGIN, 'https://evil.example']) {
      const metadata = await fetch(`${server}/.well-known/oauth-protected-resource${pathname}`, {
        headers: { origin },
      });
      expect({ status: metadata.status, allowed: allowedOrigin(metadata) }).toEqual({ status: 200, allowed: '*' });
    }
  }
});

test('a preflight request for the protected resource metadata succeeds at every service, also without configured origins', async () => {
  await using alone = await startSystem();
  for (const resource of [alone.apiResource, alone.mcpResource, `${alone.issuer}/admin`]) {
    const { origin: server, pathname } = new URL(resource);
    const preflight = await fetch(`${server}/.well-known/oauth-protected-resource${pathname}`, {
      method: 'OPTIONS',
      headers: {
        origin: 'https://any.example',
        'access-control-request-method': 'GET',
        'access-control-request-headers': 'mcp-protocol-version',
      },
    });
    expect({
      status: preflight.status,
      allowed: allowedOrigin(preflight),
      headers: preflight.headers.get('access-control-allow-headers'),
    }).toEqual({ status: 204, allowed: '*', headers: 'mcp-protocol-version' });
  }
});

test('without configured origins no page can read the API, and the MCP server rejects every page with 403', async () => {
  await using alone = await startSystem();
  const read = await fetch(`${alone.apiResource}/todos`, { headers: { origin: API_ORIGIN } });
  expect([...read.headers].filter(([name]) => name.startsWith('access-control-') || name === 'vary')).toEqual([]);
  const rejected = await fetch(alone.mcpResource, { method: 'POST', headers: { origin: MCP_ORIGIN } });
  expect({ status: rejected.status, allowed: allowedOrigin(rejected) }).toEqual({ status: 403, allowed: null });
});
