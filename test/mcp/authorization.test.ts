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

// The requirements (MUST and SHOULD) of the chapters "Authorization" and "Transports" of MCP 2025-11-25 for a resource
// server. Other tests cover the rest: Host, Origin, 405 and invalid messages in streamable-http.test.ts; CORS in
// ../resource-servers/cross-origin.test.ts; access tokens that expire or are revoked between calls in
// access-token-renewal.test.ts; credentials over stdio in transports.test.ts; the extension for client credentials in
// client-credentials-extension.test.ts.

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

// a server MUST implement RFC 9728 and MUST name at least one authorization server; both well-known locations
test.each([
  ['at the root', '', '/mcp'],
  ['before the path', '/mcp', '/mcp'],
  // a client rejects metadata whose resource differs from the URL that it requested (RFC 9728 §3.3)
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

test.each(['', '/'])('a client that knows only the URL, with %j at its end, gets a response', async (end) => {
  const url = system.mcpResource + end;
  const { resource_metadata = '', scope = '' } = parseBearerChallenge(await post(url, INITIALIZE));
  const metadata = Metadata.parse(await (await fetch(resource_metadata)).json());
  expect(metadata.resource).toBe(url);
  const [issuer] = metadata.authorization_servers;
  const server = ServerMetadata.parse(await (await fetch(`${issuer}/.well-known/oauth-authorization-server`)).json());
  // a client must reject metadata whose issuer is not identical (RFC 8414 §3.3)
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
const rejectedTokens = [
  [
    'with the signature of a foreign key',
    () => mcp.issuer.issue({ foreignKey: true }),
    'The access token is not valid',
  ],
  ['of another issuer', () => issue({ iss: 'http://evil.example' }), 'The access token is not valid'],
  ['that expired', () => issue({ exp: now() - 60 }), 'The access token expired'],
  ['that is not in force yet', () => issue({ nbf: now() + 60 }), 'The access token is not valid'],
  ['of another type', () => mcp.issuer.issue({ header: { typ: 'JWT' } }), 'The access token is not valid'],
  ['that is no JWT', async () => 'opaque', 'The access token is not valid'],
  ['in no status list', () => issue({ status: undefined }), 'The access token is not valid'],
  // a server MUST accept only access tokens that were issued for it
  ['for the API', () => issue({ aud: system.apiResource }), 'The access token is for another resource'],
  ['for its origin', () => issue({ aud: new URL(mcp.resource).origin }), 'The access token is for another resource'],
  ['for its name and a slash', () => issue({ aud: `${mcp.resource}/` }), 'The access token is for another resource'],
  ['for what is below it', () => issue({ aud: `${mcp.resource}/x` }), 'The access token is for another resource'],
  [
    'for it and another',
    () => issue({ aud: [mcp.resource, 'http://evil.example'] }),
    'The access token is for another resource',
  ],
  ['without an audience', () => issue({ aud: undefined }), 'The access token is not valid'],
] as const;
const issue = (claims: Record<string, unknown>) => mcp.issuer.issue({ claims });

test.each(rejectedTokens)(
  'an access token %s gets a 401 that names the metadata and the scopes',
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
      error: { code: -32600, message: description, data: { code: expect.stringMatching(/^access_token_/) } },
    });
  },
);

test('a revoked access token gets a 401, and another one is still accepted', async () => {
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

test('any request without an access token gets a 401 without an error code', async () => {
  const requests = [
    ['POST', INITIALIZE],
    ['POST', LIST_TOOLS],
    ['POST', { jsonrpc: '2.0', method: 'notifications/initialized' }],
    ['POST', { what: 'is no message' }],
    ['GET', undefined],
    ['DELETE', undefined],
    ['PUT', undefined],
  ] as const;
  const headers: Record<string, string>[] = [{}, { authorization: 'Basic bWNwOnNlY3JldA==' }];
  for (const [method, message] of requests) {
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
  'the Authorization header %j gets a 400',
  async (authorization) => {
    const response = await post(mcp.resource, INITIALIZE, { authorization });
    expect({ status: response.status, challenge: parseBearerChallenge(response) }).toMatchObject({
      status: 400,
      challenge: { error: 'invalid_request', resource_metadata: metadataUrl(mcp.resource) },
    });
  },
);

test('an access token in the query, the form or a cookie is ignored', async () => {
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

// a client MUST send its access token in every request, even in the same session
test('every request needs an access token, and a session id does not replace it', async () => {
  const accessToken = await mcp.issuer.issue();
  const initialized = await post(mcp.resource, INITIALIZE, bearer(accessToken));
  expect(initialized.status).toBe(200);
  expect(initialized.headers.has('mcp-session-id')).toBe(false);
  const session = { 'mcp-session-id': '6f1c2b5e', 'mcp-protocol-version': '2025-11-25' };
  expect((await post(mcp.resource, LIST_TOOLS, session)).status).toBe(401);
  expect((await post(mcp.resource, LIST_TOOLS, { ...session, ...bearer(accessToken) })).status).toBe(200);
  // a response and a notification are accepted with 202 and an empty body
  for (const message of [
    { jsonrpc: '2.0', id: 9, result: {} },
    { jsonrpc: '2.0', method: 'notifications/initialized' },
  ]) {
    const response = await post(mcp.resource, message, bearer(accessToken));
    expect({ status: response.status, body: await response.text() }).toEqual({ status: 202, body: '' });
  }
});

// implementations SHOULD accept an uppercase scheme and host
test('the scheme and the host of the resource may be uppercase', async () => {
  const uppercase = system.mcpResource.replace('http://', 'HTTP://');
  const accessToken = await system.getAccessToken(await system.registerClient(), { resource: uppercase });
  expect((await post(system.mcpResource, INITIALIZE, bearer(accessToken))).status).toBe(200);
  await using uppercaseHost = await startLoopbackProxy({
    target: () => mcp.resource,
    rewriteHeaders: (headers) => ({ ...headers, host: new URL(mcp.resource).host.toUpperCase() }),
  });
  expect(new URL(mcp.resource).host.toUpperCase()).toMatch(/^LOCALHOST:/);
  expect((await post(`${uppercaseHost.origin}/mcp`, INITIALIZE, bearer(await mcp.issuer.issue()))).status).toBe(200);
});

// a server MUST NOT forward the access token that it received from the client
test("the API receives an access token for the API, and never the caller's", async () => {
  const received: string[] = [];
  await using recorder = await startLoopbackProxy({
    target: () => own.apiResource,
    rewriteHeaders(headers) {
      received.push(JSON.stringify(headers));
      return headers;
    },
  });
  await using own = await startSystem({ API_BASE_URL: `${recorder.origin}/api/v1` });
  const accessToken = await own.getAccessToken(await own.registerClient(), { resource: own.mcpResource });
  const answer = await post(own.mcpResource, createToolCall('list_todos'), bearer(accessToken));
  expect(await answer.json()).toMatchObject({ result: { structuredContent: { todos: [] } } });
  expect(received.join()).toMatch(/"authorization":"Bearer eyJ/);
  expect(received.join()).not.toContain(accessToken);
  expect((await fetch(`${own.apiResource}/todos`, { headers: bearer(accessToken) })).status).toBe(401);
});

test.each([
  ['todos:read', 'create_todo', 'todos:write', 'list_todos'],
  ['todos:write', 'list_todos', 'todos:read', 'create_todo'],
])(
  'with the scope %s, a call of %s gets a 403 that names the scope %s',
  async (granted, rejectedTool, needed, allowedTool) => {
    const client = await system.registerClient();
    const resource = system.mcpResource;
    const call = async (tool: string, scope: string) => {
      const accessToken = await system.getAccessToken(client, { resource, scope });
      return post(resource, createToolCall(tool, tool === 'create_todo' ? { title: 'one' } : {}), bearer(accessToken));
    };
    const rejected = await call(rejectedTool, granted);
    const challenge = parseBearerChallenge(rejected);
    expect({ status: rejected.status, challenge }).toEqual({
      status: 403,
      challenge: {
        error: 'insufficient_scope',
        error_description: `The access token lacks the scope ${needed}`,
        resource_metadata: metadataUrl(resource),
        scope: needed,
      },
    });
    // an access token with the scope of the challenge is enough
    const answer = await call(rejectedTool, challenge.scope ?? '');
    expect(answer.status).toBe(200);
    expect(await answer.json()).not.toHaveProperty('result.isError');
    expect((await call(allowedTool, granted)).status).toBe(200);
  },
);

// an access token in a log has leaked (OAuth 2.1 §7.1)
test('the log contains no access token, neither from the header nor from the query', async () => {
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
  expect(log).toContain('"reason":"invalid: ERR_JWS_SIGNATURE_VERIFICATION_FAILED"');
  for (const accessToken of [good, bad]) for (const part of accessToken.split('.')) expect(log).not.toContain(part);
});

// a server that runs locally SHOULD bind only to localhost
test('by default the MCP server listens on 127.0.0.1 only', () => {
  const { HOST } = readMcpConfig({ OAUTH_CLIENT_ID: 'mcp', OAUTH_CLIENT_SECRET: 'secret' });
  expect(HOST).toBe('127.0.0.1');
});
