import { decodeJwt } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as z from 'zod';
import { createToolCall } from '../support/mcp-messages.ts';
import { otherSpellings } from '../support/other-spellings.ts';
import { basicAuthorization } from '../support/post-as-client.ts';
import { postMcpMessage } from '../support/post-mcp-message.ts';
import { type System, startSystem, type TestClient } from '../support/start-system.ts';
import {
  ACCESS_TOKEN_TYPE,
  TOKEN_EXCHANGE_GRANT,
  tokenExchangeParameters,
} from '../support/token-exchange-parameters.ts';

let system: System;
let caller: TestClient;
let mcp: TestClient;
beforeAll(async () => {
  system = await startSystem();
  caller = await system.registerClient({ clientId: 'caller' });
  mcp = { id: 'mcp', secret: system.environment.MCP_CLIENT_SECRET ?? '' };
});
afterAll(() => system[Symbol.asyncDispose]());

const callersToken = (parameters: Record<string, string> = {}) =>
  system.getAccessToken(caller, { resource: system.mcpResource, ...parameters });

async function exchange(subject_token: string, parameters: Record<string, string> = {}, client = mcp) {
  const response = await system.postToken(client, {
    ...tokenExchangeParameters(subject_token),
    ...parameters,
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

test('a resource server exchanges an access token for one at the api that names it as the actor', async () => {
  const subject = await callersToken();
  const { status, headers, body } = await exchange(subject);
  expect(status).toBe(200);
  expect(headers.get('cache-control')).toBe('no-store');
  expect(body).toEqual({
    access_token: expect.any(String),
    issued_token_type: ACCESS_TOKEN_TYPE,
    token_type: 'Bearer',
    expires_in: expect.any(Number),
    scope: 'todos:read todos:write',
  });
  const claims = decodeJwt(await exchanged(subject));
  expect(claims).toMatchObject({
    iss: system.issuer,
    sub: 'caller',
    aud: system.apiResource,
    client_id: 'mcp',
    act: { sub: 'mcp' },
  });
  expect(claims.exp).toBeLessThanOrEqual(decodeJwt(subject).exp ?? 0);
});

async function exchanged(subject: string, parameters: Record<string, string> = {}): Promise<string> {
  return system.getAccessToken(mcp, {
    ...tokenExchangeParameters(subject),
    ...parameters,
  });
}

test('the exchanged token has no scope that the subject token lacks', async () => {
  const reading = await callersToken({ scope: 'todos:read' });
  expect(decodeJwt(await exchanged(reading)).scope).toBe('todos:read');
  expect(await exchange(reading, { scope: 'todos:write' })).toMatchObject({
    status: 400,
    body: { error: 'invalid_scope', scope: 'todos:write' },
  });
  expect(decodeJwt(await exchanged(await callersToken(), { scope: 'todos:write' })).scope).toBe('todos:write');
});

test('only the resource server that is the audience of a token can exchange it', async () => {
  const forApi = await system.getAccessToken(caller);
  expect(await exchange(forApi)).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
  expect(await exchange(await callersToken(), {}, caller)).toMatchObject({
    status: 400,
    body: { error: 'unauthorized_client' },
  });
  // an exchanged token has the api as its audience, so mcp cannot exchange it again
  expect(await exchange(await exchanged(await callersToken()))).toMatchObject({
    status: 400,
    body: { error: 'invalid_request' },
  });
});

test.each([
  ['subject_token', 'garbage', 'invalid_request'],
  ['subject_token_type', 'urn:ietf:params:oauth:token-type:id_token', 'invalid_request'],
  ['requested_token_type', 'urn:ietf:params:oauth:token-type:refresh_token', 'invalid_request'],
  ['actor_token', 'another-actor', 'invalid_request'],
  ['audience', 'http://api.example', 'invalid_target'],
  ['resource', 'http://evil.example', 'invalid_target'],
  ['scope', 'admin', 'invalid_scope'],
])('the error for a wrong %s names the parameter', async (parameter, value, error) => {
  const answer = await exchange(await callersToken(), { [parameter]: value });
  expect(answer).toMatchObject({ status: 400, body: { error, error_description: expect.stringContaining(parameter) } });
});

test('a subject token that is missing or has an invalid signature is rejected', async () => {
  const [header, payload] = (await callersToken()).split('.');
  expect(await exchange(`${header}.${payload}.AAAA`)).toMatchObject({
    status: 400,
    body: { error: 'invalid_request' },
  });
  const response = await system.postToken(mcp, {
    grant_type: TOKEN_EXCHANGE_GRANT,
    subject_token_type: ACCESS_TOKEN_TYPE,
  });
  expect({ status: response.status, body: await response.json() }).toMatchObject({
    status: 400,
    body: { error: 'invalid_request', error_description: 'subject_token: expected the access token to exchange' },
  });
});

test('the exchanged token expires no later than the subject token', async () => {
  await using short = await startSystem({ ACCESS_TOKEN_TTL: '10' });
  const client = await short.registerClient();
  const subject = await short.getAccessToken(client, { resource: short.mcpResource });
  await new Promise((resolve) => setTimeout(resolve, 1100));
  const token = await short.getAccessToken(
    { id: 'mcp', secret: short.environment.MCP_CLIENT_SECRET ?? '' },
    tokenExchangeParameters(subject),
  );
  expect(decodeJwt(token).exp).toBe(decodeJwt(subject).exp);
});

test('a subject token that expires now, or has just expired, is not exchanged for a longer one', async () => {
  await using short = await startSystem({ ACCESS_TOKEN_TTL: '10' });
  const client = await short.registerClient();
  const subject = await short.getAccessToken(client, { resource: short.mcpResource });
  const own = { id: 'mcp', secret: short.environment.MCP_CLIENT_SECRET ?? '' };
  const end = decodeJwt(subject).exp ?? 0;
  const statuses = new Set<number>();
  // until the end of the clock tolerance: no exchanged token lives longer, and mcp accepts no expired token
  while (Date.now() / 1000 < end + 6) {
    const response = await short.postToken(own, tokenExchangeParameters(subject));
    statuses.add(response.status);
    const body = z
      .object({ access_token: z.string().optional(), expires_in: z.number().optional() })
      .parse(await response.json());
    if (body.access_token !== undefined) {
      expect(decodeJwt(body.access_token).exp).toBe(end);
      expect(body.expires_in).toBeGreaterThan(0);
    }
    if (Date.now() / 1000 >= end) {
      const called = await postMcpMessage(short.mcpResource, createToolCall('list_todos'), { accessToken: subject });
      expect(called.status).toBe(401);
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  expect(statuses).toEqual(new Set([200, 400]));
});

test('a token has at most five actors', async () => {
  // a resource server that may exchange a token for another one for itself
  const looping = await system.registerClient({
    clientId: 'looping',
    resources: [system.mcpResource],
    resourceServer: system.mcpResource,
  });
  let subject = await callersToken();
  let act: unknown;
  for (let actors = 1; actors <= 5; actors += 1) {
    const parameters = { ...tokenExchangeParameters(subject), resource: system.mcpResource };
    subject = await system.getAccessToken(looping, parameters);
    act = { sub: 'looping', ...(act !== undefined && { act }) };
    expect(decodeJwt(subject).act).toEqual(act);
  }
  expect(await exchange(subject, { resource: system.mcpResource }, looping)).toMatchObject({
    status: 400,
    body: {
      error: 'invalid_request',
      error_description: 'subject_token: expected an access token with fewer than 5 actors (act)',
    },
  });
});

test.each([
  ['resource', ({ apiResource }: System) => [['resource', apiResource]]],
  ['audience', ({ apiResource }: System) => [['audience', apiResource]]],
  [
    'both',
    ({ apiResource }: System) => [
      ['resource', apiResource],
      ['audience', `${apiResource}/`],
    ],
  ],
  [
    'resource twice',
    ({ apiResource }: System) => [
      ['resource', apiResource],
      ['resource', apiResource],
    ],
  ],
])('the target is the same, whether the request names it in %s', async (_name, parameters) => {
  const { status, body } = await exchangeWith(parameters(system));
  expect({ status, aud: decodeJwt(String(body.access_token)).aud }).toEqual({ status: 200, aud: system.apiResource });
});

test.each([
  ['two resources', ['resource', 'resource']],
  ['two audiences', ['audience', 'audience']],
  ['another audience than the resource', ['resource', 'audience']],
])('%s are rejected as an invalid target', async (_name, [one = '', other = '']) => {
  const { status, body } = await exchangeWith([
    [one, system.apiResource],
    [other, system.mcpResource],
  ]);
  expect({ status, error: body.error }).toEqual({ status: 400, error: 'invalid_target' });
});

test('the subject token may be labelled as a JWT, as Spring Security does', async () => {
  const subject_token_type = 'urn:ietf:params:oauth:token-type:jwt';
  expect(await exchange(await callersToken(), { subject_token_type })).toMatchObject({ status: 200 });
  expect(await exchange(await callersToken(), { subject_token_type: `${subject_token_type}x` })).toMatchObject({
    status: 400,
    body: { error: 'invalid_request' },
  });
});

test('a subject token in an encoding that RFC 7515 forbids is rejected', async () => {
  const token = await callersToken();
  for (const [name, spelling] of otherSpellings(token))
    expect([name, await exchange(spelling)]).toMatchObject([name, { status: 400, body: { error: 'invalid_request' } }]);
});

async function exchangeWith(targets: (readonly string[])[]) {
  const body = new URLSearchParams(tokenExchangeParameters(await callersToken()));
  body.delete('resource');
  for (const [name = '', value = ''] of targets) body.append(name, value);
  const headers = { authorization: basicAuthorization(mcp) };
  const response = await fetch(`${system.issuer}/oauth/token`, { method: 'POST', headers, body });
  return { status: response.status, body: z.record(z.string(), z.unknown()).parse(await response.json()) };
}
