import { decodeJwt } from 'jose';
import { expect, test } from 'vitest';
import { createPerson, openAccount } from '../support/persons.ts';
import { parseTokens, registerPublicClient } from '../support/public-client.ts';
import { startSystem } from '../support/start-system.ts';

const callMcp = (system: { mcpResource: string }, accessToken: string) =>
  fetch(system.mcpResource, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${accessToken}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'list_todos', arguments: {} },
    }),
  });

test('a client that registers itself gets an access token through a person, and a new one with its refresh token', async () => {
  await using system = await startSystem();
  const person = await createPerson(system);
  const client = await registerPublicClient(system);
  const response = await client.authorize(person);
  expect(Object.fromEntries(response)).toEqual({
    code: expect.any(String),
    state: 'the state',
    iss: system.issuer,
  });
  const redeemed = await client.redeem(response.get('code') ?? '');
  expect(redeemed.status).toBe(200);
  expect(redeemed.headers.get('cache-control')).toBe('no-store');
  const tokens = parseTokens(await redeemed.json());
  expect(tokens.scope).toBe('todos:read todos:write');
  expect(decodeJwt(tokens.access_token)).toMatchObject({
    iss: system.issuer,
    sub: person.id,
    aud: system.mcpResource,
    client_id: client.id,
    scope: 'todos:read todos:write',
    status: { status_list: { idx: expect.any(Number) } },
  });
  expect((await callMcp(system, tokens.access_token)).status).toBe(200);

  const refreshed = await client.refresh(tokens.refresh_token, { resource: system.mcpResource });
  const renewed = parseTokens(await refreshed.json());
  expect(renewed.refresh_token).not.toBe(tokens.refresh_token);
  expect((await callMcp(system, renewed.access_token)).status).toBe(200);
});

test('a person takes the access back, and every access token of the connection is rejected', async () => {
  await using system = await startSystem();
  const person = await createPerson(system);
  const [client, other] = [
    await registerPublicClient(system),
    await registerPublicClient(system, { client_name: 'Another assistant' }),
  ];
  const tokens = await client.connect(person);
  const kept = await other.connect(person);
  expect((await callMcp(system, tokens.access_token)).status).toBe(200);
  const { browser, page } = await openAccount(system, person);
  expect(page.text).toContain('“An assistant”');
  const [, connection = ''] =
    /“An assistant”.*?name="connection" value="([^"]*)"/s.exec(page.text.slice(page.text.indexOf('“An assistant”'))) ??
    [];
  const taken = await browser.submit('/account/take-back', { form_token: page.fields.form_token ?? '', connection });
  expect(taken.text).toMatch(/Taken back\. Confirmed by 2 of 2 resource servers in \d+ ms\./);
  const rejected = await callMcp(system, tokens.access_token);
  expect(rejected.status).toBe(401);
  expect(rejected.headers.get('www-authenticate')).toContain('error="invalid_token"');
  const refresh = await client.refresh(tokens.refresh_token);
  expect(refresh.status).toBe(400);
  expect(await refresh.json()).toMatchObject({ error: 'invalid_grant' });
  expect((await callMcp(system, kept.access_token)).status).toBe(200);
});

test('a person allows fewer scopes than the client asks for', async () => {
  await using system = await startSystem();
  const person = await createPerson(system);
  const client = await registerPublicClient(system);
  const tokens = await client.connect(person, ['todos:read']);
  expect(tokens.scope).toBe('todos:read');
  expect(decodeJwt(tokens.access_token).scope).toBe('todos:read');
  const renewed = parseTokens(await (await client.refresh(tokens.refresh_token)).json());
  expect(renewed.scope).toBe('todos:read');
});

test('a person who refuses, or ticks nothing, gives no access', async () => {
  await using system = await startSystem();
  const person = await createPerson(system);
  const client = await registerPublicClient(system);
  for (const options of [{ action: 'refuse' }, { scopes: [] }]) {
    const response = await client.authorize(person, options);
    expect(Object.fromEntries(response)).toMatchObject({
      error: 'access_denied',
      state: 'the state',
      iss: system.issuer,
    });
  }
});
