import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { LIST_TOOLS } from '../support/mcp-messages.ts';
import { basicAuthorization, postAsClient } from '../support/post-as-client.ts';
import { postMcpMessage } from '../support/post-mcp-message.ts';
import { requestTodos } from '../support/request-todos.ts';
import { startSystem } from '../support/start-system.ts';

const listTools = (mcpResource: string, accessToken: string) =>
  postMcpMessage(mcpResource, LIST_TOOLS, { accessToken });

test('an access token is accepted by the resource that it was issued for, and rejected by the other', async () => {
  await using system = await startSystem();
  const client = await system.registerClient();
  const forApi = await system.getAccessToken(client);
  const forMcp = await system.getAccessToken(client, { resource: system.mcpResource });

  expect((await requestTodos(system.apiResource, forApi)).status).toBe(200);
  expect((await listTools(system.mcpResource, forMcp)).status).toBe(200);

  const metadataOf = (resource: string) => resource.replace(/(:\d+)/, '$1/.well-known/oauth-protected-resource');
  for (const [response, resource] of [
    [await requestTodos(system.apiResource, forMcp), system.apiResource],
    [await listTools(system.mcpResource, forApi), system.mcpResource],
  ] as const) {
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe(
      'Bearer error="invalid_token", error_description="The access token is for another resource", ' +
        `resource_metadata="${metadataOf(resource)}", scope="todos:read todos:write"`,
    );
    expect(await response.text()).toContain('The access token is for another resource');
  }
});

test('any number of spaces may follow the scheme of the Authorization header, at all services', async () => {
  await using system = await startSystem();
  const client = await system.registerClient({
    scopes: ['todos:read', 'admin'],
    resources: [system.apiResource, system.mcpResource, `${system.issuer}/admin`],
  });
  const [forApi, forMcp, forAdmin] = [
    await system.getAccessToken(client),
    await system.getAccessToken(client, { resource: system.mcpResource }),
    await system.getAccessToken(client, { resource: `${system.issuer}/admin` }),
  ];
  for (const scheme of ['Bearer ', 'Bearer  ', 'bearer    ']) {
    const todos = await fetch(`${system.apiResource}/todos`, { headers: { authorization: scheme + forApi } });
    expect(todos.status).toBe(200);
    const listed = await fetch(system.mcpResource, {
      method: 'POST',
      headers: {
        authorization: scheme + forMcp,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      body: JSON.stringify(LIST_TOOLS),
    });
    expect(listed.status).toBe(200);
    const clients = await fetch(`${system.issuer}/admin/clients`, { headers: { authorization: scheme + forAdmin } });
    expect(clients.status).toBe(200);
  }
  const basic = basicAuthorization(client).replace(' ', '   ');
  for (const endpoint of ['token', 'introspect']) {
    const body = new URLSearchParams({ grant_type: 'client_credentials', token: forApi });
    const response = await fetch(`${system.issuer}/oauth/${endpoint}`, {
      method: 'POST',
      headers: { authorization: basic },
      body,
    });
    expect(response.status).toBe(200);
  }
});

test('a client with the scope todos:read gets no todos:write from auth and cannot write at the api', async () => {
  await using system = await startSystem();
  const reader = await system.registerClient({ scopes: ['todos:read'] });
  const rejected = await system.postToken(reader, { scope: 'todos:write' });
  expect({ status: rejected.status, body: await rejected.json() }).toMatchObject({
    status: 400,
    body: { error: 'invalid_scope' },
  });

  const token = await system.getAccessToken(reader);
  expect((await requestTodos(system.apiResource, token)).status).toBe(200);
  const write = await requestTodos(system.apiResource, token, { method: 'POST', body: '{"title":"no"}' });
  expect(write.status).toBe(403);
  expect(write.headers.get('www-authenticate')).toMatch(/^Bearer error="insufficient_scope", .*scope="todos:write"$/);
});

test('while auth is stopped, api and mcp accept access tokens whose status list they have cached', async () => {
  await using system = await startSystem();
  const client = await system.registerClient();
  const [used, unused] = [await system.getAccessToken(client), await system.getAccessToken(client)];
  const [mcpUsed, mcpUnused] = await Promise.all(
    [1, 2].map(() => system.getAccessToken(client, { resource: system.mcpResource })),
  );
  expect((await requestTodos(system.apiResource, used)).status).toBe(200);
  expect((await listTools(system.mcpResource, mcpUsed ?? '')).status).toBe(200);
  await system.stopAuth();
  await expect(fetch(`${system.issuer}/health/live`)).rejects.toThrow();
  expect((await requestTodos(system.apiResource, used)).status).toBe(200);
  expect(
    (await requestTodos(system.apiResource, unused, { method: 'POST', body: '{"title":"without auth"}' })).status,
  ).toBe(201);
  expect((await listTools(system.mcpResource, mcpUnused ?? '')).status).toBe(200);
});

test('auth, api and mcp reject an expired access token, and the challenge says that it has expired', async () => {
  await using system = await startSystem({ ACCESS_TOKEN_TTL: '10' });
  const client = await system.registerClient();
  const forApi = await system.getAccessToken(client);
  const forMcp = await system.getAccessToken(client, { resource: system.mcpResource });
  expect((await requestTodos(system.apiResource, forApi)).status).toBe(200);
  expect((await listTools(system.mcpResource, forMcp)).status).toBe(200);
  const introspect = async () =>
    (await postAsClient(`${system.issuer}/oauth/introspect`, client, { token: forApi })).json();
  expect(await introspect()).toMatchObject({ active: true });
  // auth has no clock tolerance, because it compares with its own clock
  await delay(11_000);
  expect(await introspect()).toEqual({ active: false });
  // the lifetime of ten seconds plus the clock tolerance of the resource servers
  await delay(5_000);
  for (const response of [
    await requestTodos(system.apiResource, forApi),
    await listTools(system.mcpResource, forMcp),
  ]) {
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toContain('error_description="The access token expired"');
  }
});
