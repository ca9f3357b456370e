import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { otherSpellings } from '../support/other-spellings.ts';
import { postAsClient } from '../support/post-as-client.ts';
import { readResponse } from '../support/read-response.ts';
import { type System, startSystem, type TestClient } from '../support/start-system.ts';

let system: System;
let client: TestClient;
beforeAll(async () => {
  system = await startSystem();
  client = await system.registerClient();
});
afterAll(() => system[Symbol.asyncDispose]());

const introspect = async (token: string, requester = client, headers: Record<string, string> = {}) =>
  readResponse(await postAsClient(`${system.issuer}/oauth/introspect`, requester, { token }, headers));

test('a client can introspect its own access tokens, and a resource server those issued for it', async () => {
  const forMcp = await system.getAccessToken(client, { resource: system.mcpResource });
  const mcp = { id: 'mcp', secret: system.environment.MCP_CLIENT_SECRET ?? '' };
  const active = {
    active: true,
    token_type: 'Bearer',
    sub: client.id,
    client_id: client.id,
    scope: 'todos:read todos:write',
    aud: system.mcpResource,
    iss: system.issuer,
  };
  for (const requester of [client, mcp]) {
    const answer = await introspect(forMcp, requester);
    expect(answer).toMatchObject({ status: 200, body: active });
    expect(answer.headers.get('cache-control')).toBe('no-store');
  }
  expect((await introspect(forMcp, await system.registerClient())).body).toEqual({ active: false });
  expect((await introspect(await system.getAccessToken(client), mcp)).body).toEqual({ active: false });
  expect((await introspect(`${forMcp.slice(0, -4)}AAAA`)).body).toEqual({ active: false });
  expect((await introspect('opaque')).body).toEqual({ active: false });
});

const SIGNED = { accept: 'application/token-introspection+jwt' };

test('a client that accepts a signed introspection response gets one', async () => {
  const token = await system.getAccessToken(client, { resource: system.mcpResource });
  const mcp = { id: 'mcp', secret: system.environment.MCP_CLIENT_SECRET ?? '' };
  const { headers, text } = await introspect(token, mcp, SIGNED);
  expect(headers.get('content-type')).toMatch(/^application\/token-introspection\+jwt/);
  const { payload, protectedHeader } = await jwtVerify(
    text,
    createRemoteJWKSet(new URL(`${system.issuer}/oauth/jwks`)),
    {
      issuer: system.issuer,
      audience: 'mcp',
    },
  );
  expect(protectedHeader.typ).toBe('token-introspection+jwt');
  expect(payload.token_introspection).toMatchObject({ active: true, client_id: client.id });
});

test('a signed response about a token for another resource server says that it is not active', async () => {
  const token = await system.getAccessToken(client, { resource: system.mcpResource });
  const { text } = await introspect(token, client, SIGNED);
  expect(decodeJwt(text)).toMatchObject({ aud: client.id, token_introspection: { active: false } });
});

test('a token in an encoding that RFC 7515 forbids is not active', async () => {
  const token = await system.getAccessToken(client);
  expect((await introspect(token)).body).toMatchObject({ active: true });
  for (const [, spelling] of otherSpellings(token))
    expect({ spelling, body: (await introspect(spelling)).body }).toEqual({ spelling, body: { active: false } });
});
