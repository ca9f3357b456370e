import { pino } from 'pino';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import * as z from 'zod';
import { readMcpConfig } from '../../mcp/config.ts';
import { startLoopbackProxy } from '../../shared/testing/loopback-proxy.ts';
import { LIST_SIZE } from '../../shared/testing/token-issuer.ts';
import { conformanceFeatures } from '../support/conformance-features.ts';
import { createToolCall, INITIALIZE, LIST_TOOLS } from '../support/mcp-messages.ts';
import { parseBearerChallenge } from '../support/parse-bearer-challenge.ts';
import { postMcpMessage } from '../support/post-mcp-message.ts';
import { type RunningMcpApp, startMcpApp } from '../support/start-mcp-app.ts';
import { type System, startSystem } from '../support/start-system.ts';

// What the chapters "Authorization" and "Transports" of MCP 2025-11-25 ask of a resource server, by "MUST" or "SHOULD".
// Host and Origin, 405, and what is no message: mcp-http.test.ts. CORS: cross-origin.test.ts. An access token that
// expires or is revoked in the middle: mcp-tokens.test.ts. Credentials over stdio: mcp.test.ts. The
// extension for client credentials: client-credentials-extension.test.ts.

let system: System;
let mcp: RunningMcpApp;
beforeAll(async () => {
  [system, mcp] = await Promise.all([startSystem(), startMcpApp({ features: conformanceFeatures })]);
});
afterAll(async () => {
  await Promise.all([system[Symbol.asyncDispose](), mcp[Symbol.asyncDispose]()]);
});

/** Sends a message without an access token, unless `headers` have one. */
const post = (url: string, message: object, headers: Record<string, string> = {}) =>
  postMcpMessage(url, message, { headers });
const bearer = (accessToken: string) => ({ authorization: `Bearer ${accessToken}` });

const metadataUrl = (resource: string) => resource.replace(/(:\d+)/, '$1/.well-known/oauth-protected-resource');

// MUST implement RFC 9728, MUST name at least one authorization server; both well-known places
test.each([
  ['at the root', '', '/mcp'],
  ['before the path', '/mcp', '/mcp'],
  // a client refuses metadata of another resource than the one it asked for (RFC 9728 §3.3)
  ['before the path with a trailing slash', '/mcp/', '/mcp/'],
])('the protected resource metadata is public %s', async (_place, path, resourcePath) => {
  const { origin } = new URL(system.mcpResource);
  const response = await fetch(`${origin}/.well-known/oauth-protected-resource${path}`, { redirect: 'error' });
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toMatch(/^application\/json/);
  expect(response.headers.get('access-control-allow-origin')).toBe('*');
  expect(await response.json()).toEqual({
    resource: origin + resourcePath,
    authorization_servers: [system.issuer],
    scopes_supported: ['todos:read', 'todos:write'],
    bearer_methods_supported: ['header'],
    resource_name: 'yata MCP server',
  });
});

const Metadata = z.object({ resource: z.string(), authorization_servers: z.tuple([z.string()]) });
const ServerMetadata = z.object({ issuer: z.string(), token_endpoint: z.string() });

test.each(['', '/'])('the bare URL with %j at its end leads to an answer', async (end) => {
  const url = system.mcpResource + end;
  const { resource_metadata = '', scope = '' } = parseBearerChallenge(await post(url, INITIALIZE));
  const metadata = Metadata.parse(await (await fetch(resource_metadata)).json());
  expect(metadata.resource).toBe(url);
  const [issuer] = metadata.authorization_servers;
  const server = ServerMetadata.parse(await (await fetch(`${issuer}/.well-known/oauth-authorization-server`)).json());
  // the same to the letter, or a client must not use it (RFC 8414 §3.3)
  expect(server).toMatchObject({ issuer, token_endpoint: `${issuer}/oauth/token` });
  const accessToken = await system.getAccessToken(await system.registerClient(), {
    resource: metadata.resource,
    scope,
  });
  const answer = await post(url, INITIALIZE, bearer(accessToken));
  expect({ status: answer.status, body: await answer.json() }).toMatchObject({
    status: 200,
    body: { result: { serverInfo: { name: 'yata' } } },
  });
});

const now = () => Math.floor(Date.now() / 1000);
const refused = [
  ['that somebody else signed', () => mcp.issuer.issue({ foreignKey: true }), 'The access token is not valid'],
  ['of another issuer', () => issue({ iss: 'http://evil.example' }), 'The access token is not valid'],
  ['that expired', () => issue({ exp: now() - 60 }), 'The access token expired'],
  ['that is not in force yet', () => issue({ nbf: now() + 60 }), 'The access token is not valid'],
  ['of another type', () => mcp.issuer.issue({ header: { typ: 'JWT' } }), 'The access token is not valid'],
  ['that is no JWT', async () => 'opaque', 'The access token is not valid'],
  ['in no status list', () => issue({ status: undefined }), 'The access token is not valid'],
  // MUST only accept tokens that were issued for it
  ['for the API', () => issue({ aud: system.apiResource }), 'The access token is for another resource'],
  ['for its origin', () => issue({ aud: new URL(mcp.resource).origin }), 'The access token is for another resource'],
  ['for its name and a slash', () => issue({ aud: `${mcp.resource}/` }), 'The access token is for another resource'],
  ['for what is below it', () => issue({ aud: `${mcp.resource}/x` }), 'The access token is for another resource'],
  [
    'for it and another',
    () => issue({ aud: [mcp.resource, 'http://evil.example'] }),
    'The access token is for another resource',
  ],
  ['for nobody', () => issue({ aud: undefined }), 'The access token is not valid'],
] as const;
const issue = (claims: Record<string, unknown>) => mcp.issuer.issue({ claims });

test.each(refused)(
  'an access token %s is a 401 that says where to get one, and for what',
  async (_what, issued, description) => {
    const response = await post(mcp.resource, INITIALIZE, bearer(await issued()));
    expect({ status: response.status, challenge: parseBearerChallenge(response) }).toEqual({
      status: 401,
      challenge: {
        error: 'invalid_token',
        error_description: description,
        resource_metadata: metadataUrl(mcp.resource),
        scope: 'todos:read todos:write',
      },
    });
    expect(await response.json()).toEqual({
      jsonrpc: '2.0',
      id: null,
      error: { code: -32600, message: description },
    });
  },
);

test('an access token that was revoked is a 401, and the others go on', async () => {
  const status = { status_list: { idx: LIST_SIZE - 1, uri: mcp.issuer.listUri(2) } };
  await mcp.issuer.publishList(2, []);
  const [one, other] = [await issue({ status }), await mcp.issuer.issue()];
  expect((await post(mcp.resource, INITIALIZE, bearer(one))).status).toBe(200);
  await mcp.issuer.publishList(2, [LIST_SIZE - 1]);
  await vi.waitFor(async () => {
    const response = await post(mcp.resource, INITIALIZE, bearer(one));
    expect({ status: response.status, challenge: parseBearerChallenge(response) }).toMatchObject({
      status: 401,
      challenge: { error: 'invalid_token', scope: 'todos:read todos:write' },
    });
  }, 10_000);
  expect((await post(mcp.resource, INITIALIZE, bearer(other))).status).toBe(200);
});

test('no access token is a 401 without an error, whatever is asked', async () => {
  const asked = [
    ['POST', INITIALIZE],
    ['POST', LIST_TOOLS],
    ['POST', { jsonrpc: '2.0', method: 'notifications/initialized' }],
    ['POST', { what: 'is no message' }],
    ['GET', undefined],
    ['DELETE', undefined],
    ['PUT', undefined],
  ] as const;
  const headers: Record<string, string>[] = [{}, { authorization: 'Basic bWNwOnNlY3JldA==' }];
  for (const [method, message] of asked) {
    for (const authorization of headers) {
      const response = await fetch(mcp.resource, {
        method,
        headers: { 'content-type': 'application/json', ...authorization },
        ...(message && { body: JSON.stringify(message) }),
      });
      expect({ method, status: response.status, challenge: parseBearerChallenge(response) }).toEqual({
        method,
        status: 401,
        challenge: { resource_metadata: metadataUrl(mcp.resource), scope: 'todos:read todos:write' },
      });
    }
  }
});

test.each(['Bearer', 'Bearer one two', 'Bearer "quoted"', 'Bearer one, Bearer two'])(
  'an Authorization header that says %j is a 400',
  async (authorization) => {
    const response = await post(mcp.resource, INITIALIZE, { authorization });
    expect({ status: response.status, challenge: parseBearerChallenge(response) }).toMatchObject({
      status: 400,
      challenge: { error: 'invalid_request', resource_metadata: metadataUrl(mcp.resource) },
    });
  },
);

test('an access token in the query, the form or a cookie is none', async () => {
  const accessToken = await mcp.issuer.issue();
  const inQuery = await post(`${mcp.resource}?access_token=${accessToken}`, INITIALIZE);
  const inForm = await fetch(mcp.resource, {
    method: 'POST',
    body: new URLSearchParams({ access_token: accessToken }),
  });
  const inCookie = await post(mcp.resource, INITIALIZE, { cookie: `access_token=${accessToken}` });
  for (const response of [inQuery, inForm, inCookie]) {
    expect({ status: response.status, challenge: parseBearerChallenge(response) }).toEqual({
      status: 401,
      challenge: { resource_metadata: metadataUrl(mcp.resource), scope: 'todos:read todos:write' },
    });
  }
});

// authorization MUST be included in every request, even of one session
test('an access token is asked for each time, and a session opens nothing', async () => {
  const accessToken = await mcp.issuer.issue();
  const initialized = await post(mcp.resource, INITIALIZE, bearer(accessToken));
  expect(initialized.status).toBe(200);
  expect(initialized.headers.has('mcp-session-id')).toBe(false);
  const session = { 'mcp-session-id': '6f1c2b5e', 'mcp-protocol-version': '2025-11-25' };
  expect((await post(mcp.resource, LIST_TOOLS, session)).status).toBe(401);
  expect((await post(mcp.resource, LIST_TOOLS, { ...session, ...bearer(accessToken) })).status).toBe(200);
  // a response, and a notification, are accepted and answered with nothing
  for (const message of [
    { jsonrpc: '2.0', id: 9, result: {} },
    { jsonrpc: '2.0', method: 'notifications/initialized' },
  ]) {
    const response = await post(mcp.resource, message, bearer(accessToken));
    expect({ status: response.status, body: await response.text() }).toEqual({ status: 202, body: '' });
  }
});

// implementations SHOULD accept uppercase scheme and host components
test('the resource may be written with a scheme and a host in capitals', async () => {
  const capitals = system.mcpResource.replace('http://', 'HTTP://');
  const accessToken = await system.getAccessToken(await system.registerClient(), { resource: capitals });
  expect((await post(system.mcpResource, INITIALIZE, bearer(accessToken))).status).toBe(200);
  await using shouting = await startLoopbackProxy({
    target: () => mcp.resource,
    rewriteHeaders: (headers) => ({ ...headers, host: new URL(mcp.resource).host.toUpperCase() }),
  });
  expect(new URL(mcp.resource).host.toUpperCase()).toMatch(/^LOCALHOST:/);
  expect((await post(`${shouting.origin}/mcp`, INITIALIZE, bearer(await mcp.issuer.issue()))).status).toBe(200);
});

// MUST NOT pass through the access token that it received from the client
test("the API sees an access token for the API, and never the caller's", async () => {
  const seen: string[] = [];
  await using recorder = await startLoopbackProxy({
    target: () => own.apiResource,
    rewriteHeaders(headers) {
      seen.push(JSON.stringify(headers));
      return headers;
    },
  });
  await using own = await startSystem({ API_BASE_URL: `${recorder.origin}/api/v1` });
  const accessToken = await own.getAccessToken(await own.registerClient(), { resource: own.mcpResource });
  const answer = await post(own.mcpResource, createToolCall('list_todos'), bearer(accessToken));
  expect(await answer.json()).toMatchObject({ result: { structuredContent: { todos: [] } } });
  expect(seen.join()).toMatch(/"authorization":"Bearer eyJ/);
  expect(seen.join()).not.toContain(accessToken);
  expect((await fetch(`${own.apiResource}/todos`, { headers: bearer(accessToken) })).status).toBe(401);
});

test.each([
  ['todos:read', 'create_todo', 'todos:write', 'list_todos'],
  ['todos:write', 'list_todos', 'todos:read', 'create_todo'],
])('with %s alone %s is a 403 that names %s', async (granted, refusedTool, needed, allowedTool) => {
  const client = await system.registerClient();
  const resource = system.mcpResource;
  const call = async (tool: string, scope: string) => {
    const accessToken = await system.getAccessToken(client, { resource, scope });
    return post(resource, createToolCall(tool, tool === 'create_todo' ? { title: 'one' } : {}), bearer(accessToken));
  };
  const refused = await call(refusedTool, granted);
  const challenge = parseBearerChallenge(refused);
  expect({ status: refused.status, challenge }).toEqual({
    status: 403,
    challenge: {
      error: 'insufficient_scope',
      error_description: `The access token lacks the scope ${needed}`,
      resource_metadata: metadataUrl(resource),
      scope: needed,
    },
  });
  // what it says is enough
  const answer = await call(refusedTool, challenge.scope ?? '');
  expect(answer.status).toBe(200);
  expect(await answer.json()).not.toHaveProperty('result.isError');
  expect((await call(allowedTool, granted)).status).toBe(200);
});

// an access token that is logged is one that leaks (OAuth 2.1 §7.1)
test('no access token is written to the log, wherever it was sent', async () => {
  let log = '';
  const write = (line: string) => {
    log += line;
  };
  const logger = pino({ level: 'debug' }, { write });
  await using logging = await startMcpApp({ features: conformanceFeatures, logger });
  const good = await logging.issuer.issue();
  const bad = await logging.issuer.issue({ foreignKey: true });
  expect((await post(logging.resource, createToolCall('test_error_handling'), bearer(good))).status).toBe(200);
  expect((await post(`${logging.resource}?access_token=${good}`, INITIALIZE, bearer(bad))).status).toBe(401);
  await vi.waitFor(() => expect(log).toContain('"status":200'), 10_000);
  expect(log).toContain('"reason":"invalid"');
  for (const accessToken of [good, bad]) for (const part of accessToken.split('.')) expect(log).not.toContain(part);
});

// when running locally, servers SHOULD bind only to localhost
test('the MCP server listens on this machine alone, unless it is told otherwise', () => {
  const { HOST } = readMcpConfig({ OAUTH_CLIENT_ID: 'mcp', OAUTH_CLIENT_SECRET: 'secret' });
  expect(HOST).toBe('127.0.0.1');
});
