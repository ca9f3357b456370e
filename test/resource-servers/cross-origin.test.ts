import { afterAll, beforeAll, expect, test } from 'vitest';
import { LIST_TOOLS } from '../support/mcp-messages.ts';
import { postMcpMessage } from '../support/post-mcp-message.ts';
import { type System, startSystem } from '../support/start-system.ts';

const API_PAGE = 'https://app.example';
const MCP_PAGE = 'https://assistant.example';

let system: System;
beforeAll(async () => {
  system = await startSystem({ API_CORS_ORIGINS: API_PAGE, MCP_CORS_ORIGINS: `${MCP_PAGE}, https://other.example` });
});
afterAll(() => system[Symbol.asyncDispose]());

const bearer = async (resource: string) =>
  `Bearer ${await system.getAccessToken(await system.registerClient(), { resource })}`;
const allowedOrigin = ({ headers }: Response) => headers.get('access-control-allow-origin');
const names = (list: string | null) => list?.split(', ').sort();

test('a page of a configured origin may ask the API, and reads todos and refusals', async () => {
  const todos = `${system.apiResource}/todos`;
  const preflight = await fetch(todos, {
    method: 'OPTIONS',
    headers: {
      origin: API_PAGE,
      'access-control-request-method': 'PATCH',
      'access-control-request-headers': 'authorization,if-match',
    },
  });
  expect({ status: preflight.status, allowed: allowedOrigin(preflight) }).toEqual({ status: 204, allowed: API_PAGE });
  expect(names(preflight.headers.get('access-control-allow-methods'))).toEqual([
    'DELETE',
    'GET',
    'HEAD',
    'PATCH',
    'POST',
    'PUT',
  ]);
  expect(names(preflight.headers.get('access-control-allow-headers'))).toEqual([
    'Authorization',
    'Content-Type',
    'Idempotency-Key',
    'If-Match',
    'If-None-Match',
    'Prefer',
  ]);
  expect(preflight.headers.get('access-control-max-age')).toBe('600');

  const authorization = await bearer(system.apiResource);
  const read = await fetch(todos, { headers: { origin: API_PAGE, authorization } });
  expect({ status: read.status, allowed: allowedOrigin(read) }).toEqual({ status: 200, allowed: API_PAGE });
  expect(read.headers.get('vary')).toMatch(/\bOrigin\b/);
  expect(names(read.headers.get('access-control-expose-headers'))).toEqual(
    expect.arrayContaining(['ETag', 'Link', 'RateLimit', 'Total-Count', 'WWW-Authenticate', 'X-Request-Id']),
  );
  expect(read.headers.has('access-control-allow-credentials')).toBe(false);

  const refused = await fetch(todos, { headers: { origin: API_PAGE } });
  expect({ status: refused.status, allowed: allowedOrigin(refused) }).toEqual({ status: 401, allowed: API_PAGE });
  expect(refused.headers.get('www-authenticate')).toMatch(/^Bearer /);
  const nothing = await fetch(`${system.apiResource}/nothing`, { headers: { origin: API_PAGE } });
  expect({ status: nothing.status, allowed: allowedOrigin(nothing) }).toEqual({ status: 404, allowed: API_PAGE });
});

test("a page of another origin reads nothing of the API's", async () => {
  const authorization = await bearer(system.apiResource);
  for (const origin of [MCP_PAGE, 'https://evil.example']) {
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

test('a page of a configured origin may ask the MCP server, and reads results and refusals', async () => {
  const preflight = await fetch(system.mcpResource, {
    method: 'OPTIONS',
    headers: {
      origin: MCP_PAGE,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type,mcp-protocol-version',
    },
  });
  expect({ status: preflight.status, allowed: allowedOrigin(preflight) }).toEqual({ status: 204, allowed: MCP_PAGE });
  expect(names(preflight.headers.get('access-control-allow-headers'))).toEqual([
    'Accept',
    'Authorization',
    'Content-Type',
    'Last-Event-ID',
    'MCP-Protocol-Version',
    'Mcp-Session-Id',
  ]);

  const authorization = await bearer(system.mcpResource);
  const listed = await listTools({ origin: MCP_PAGE, authorization });
  expect({ status: listed.status, allowed: allowedOrigin(listed) }).toEqual({ status: 200, allowed: MCP_PAGE });
  const refused = await listTools({ origin: MCP_PAGE });
  expect({ status: refused.status, allowed: allowedOrigin(refused) }).toEqual({ status: 401, allowed: MCP_PAGE });
  expect(names(refused.headers.get('access-control-expose-headers'))).toContain('WWW-Authenticate');
});

test('a page of another origin is refused by the MCP server', async () => {
  const authorization = await bearer(system.mcpResource);
  for (const origin of [API_PAGE, 'https://evil.example', 'null']) {
    const refused = await listTools({ origin, authorization });
    expect({ status: refused.status, allowed: allowedOrigin(refused) }).toEqual({ status: 403, allowed: null });
    const preflight = await fetch(system.mcpResource, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST' },
    });
    expect({ status: preflight.status, allowed: allowedOrigin(preflight) }).toEqual({ status: 403, allowed: null });
  }
});

test('every page reads the protected resource metadata', async () => {
  for (const resource of [system.apiResource, system.mcpResource]) {
    const { origin: server, pathname } = new URL(resource);
    for (const origin of [API_PAGE, MCP_PAGE, 'https://evil.example']) {
      const metadata = await fetch(`${server}/.well-known/oauth-protected-resource${pathname}`, {
        headers: { origin },
      });
      expect({ status: metadata.status, allowed: allowedOrigin(metadata) }).toEqual({ status: 200, allowed: '*' });
    }
  }
});

test('where no origin is configured no page reads anything, and the MCP server refuses all', async () => {
  await using alone = await startSystem();
  const read = await fetch(`${alone.apiResource}/todos`, { headers: { origin: API_PAGE } });
  expect([...read.headers].filter(([name]) => name.startsWith('access-control-') || name === 'vary')).toEqual([]);
  const refused = await fetch(alone.mcpResource, { method: 'POST', headers: { origin: MCP_PAGE } });
  expect({ status: refused.status, allowed: allowedOrigin(refused) }).toEqual({ status: 403, allowed: null });
});
