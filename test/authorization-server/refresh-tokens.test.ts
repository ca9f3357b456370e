import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPerson, openAccount, type Person } from '../support/persons.ts';
import { type PublicClient, parseTokens, registerPublicClient } from '../support/public-client.ts';
import { type System, startSystem } from '../support/start-system.ts';

let system: System;
let person: Person;
beforeAll(async () => {
  system = await startSystem({ AUTH_TRUSTED_PROXIES: 'loopback' });
  person = await createPerson(system);
});
afterAll(() => system[Symbol.asyncDispose]());

const register = (name: string) => registerPublicClient(system, { client_name: name });

async function refresh(client: PublicClient, refreshToken: string, parameters: Record<string, string> = {}) {
  const response = await client.refresh(refreshToken, parameters);
  return { status: response.status, body: await response.json() };
}

const endGrace = () =>
  system.em
    .fork()
    .execute(
      "update auth.artifact set consumed_at = consumed_at - interval '61 seconds' where consumed_at is not null",
    );

const isRejected = { status: 400, body: expect.objectContaining({ error: 'invalid_grant' }) };

const countConnections = async (client: PublicClient) =>
  (await system.em.fork().execute('select 1 from auth.connection where client_id = ?', [client.id])).length;

test('four refreshes at once get one and the same successor', async () => {
  const client = await register('four at once');
  const { refresh_token } = await client.connect(person);
  const answers = await Promise.all(Array.from({ length: 4 }, () => refresh(client, refresh_token)));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  const successors = new Set(answers.map(({ body }) => parseTokens(body).refresh_token));
  expect(successors.size).toBe(1);
  expect([...successors][0]).not.toBe(refresh_token);
});

test('a client that lost the response gets the same successor, until it has used that one', async () => {
  const client = await register('lost response');
  const { refresh_token } = await client.connect(person);
  const lost = parseTokens((await refresh(client, refresh_token)).body);
  const again = parseTokens((await refresh(client, refresh_token)).body);
  expect(again.refresh_token).toBe(lost.refresh_token);
  expect((await refresh(client, again.refresh_token)).status).toBe(200);
  expect(await refresh(client, refresh_token)).toEqual(isRejected);
  // that revokes nothing: another process of the same host may have been slow
  expect(await countConnections(client)).toBe(1);
});

test('a refresh token that is used after its grace ends its connection, and no other', async () => {
  const client = await register('reuse');
  const [stolen, other] = [await client.connect(person), await client.connect(person)];
  const renewed = parseTokens((await refresh(client, stolen.refresh_token)).body);
  await endGrace();
  expect(await refresh(client, stolen.refresh_token)).toEqual(isRejected);
  expect(await refresh(client, renewed.refresh_token)).toEqual(isRejected);
  expect((await refresh(client, other.refresh_token)).status).toBe(200);
  const events = await system.em
    .fork()
    .execute("select detail from auth.audit_event where action = 'connection.revoke' and actor = ?", [client.id]);
  expect(events).toMatchObject([{ detail: { reason: expect.stringContaining('a second time') } }]);
});

test.each([
  ['a resource that was not allowed', () => ({ resource: system.apiResource }), 'invalid_target'],
  ['a resource that does not exist', () => ({ resource: 'https://elsewhere.example' }), 'invalid_target'],
  ['an audience that was not allowed', () => ({ audience: system.apiResource }), 'invalid_target'],
  ['the audience of another server', () => ({ audience: 'https://elsewhere.example' }), 'invalid_target'],
  ['a scope that was not allowed', () => ({ scope: 'todos:read admin' }), 'invalid_scope'],
])('a refresh for %s is rejected, and does not use the refresh token up', async (name, parameters, error) => {
  const client = await register(name);
  const { refresh_token } = await client.connect(person);
  expect(await refresh(client, refresh_token, parameters())).toMatchObject({ status: 400, body: { error } });
  const unused = await system.em.fork().execute(
    `select consumed_at from auth.artifact join auth.connection on connection.id = grant_id
       where model = 'RefreshToken' and client_id = ?`,
    [client.id],
  );
  expect(unused).toEqual([{ consumed_at: null }]);
  expect((await refresh(client, refresh_token)).status).toBe(200);
});

test('a refresh may ask for fewer scopes, and name the resource in another spelling', async () => {
  const client = await register('fewer');
  const { refresh_token } = await client.connect(person);
  const resource = `${system.mcpResource.replace('http:', 'HTTP:')}/`;
  const { body } = await refresh(client, refresh_token, { scope: 'todos:read', resource });
  const tokens = parseTokens(body);
  expect(tokens.scope).toBe('todos:read');
  expect(parseTokens((await refresh(client, tokens.refresh_token)).body).scope).toBe('todos:read todos:write');
});

test('a refresh token is of no use to another client, and changed by one character it is unknown', async () => {
  const [client, other] = [await register('owner'), await register('thief')];
  const { refresh_token } = await client.connect(person);
  expect(await refresh(other, refresh_token)).toEqual(isRejected);
  for (const changed of [refresh_token.slice(1), refresh_token.slice(0, -1), `${refresh_token}A`, `A${refresh_token}`])
    expect(await refresh(client, changed)).toEqual(isRejected);
  const revoked = await other.revoke(refresh_token);
  expect(revoked.status).toBe(200);
  expect((await refresh(client, refresh_token)).status).toBe(200);
});

test('a code that is sent with a refresh widens nothing', async () => {
  const client = await register('both');
  const narrow = await client.connect(person, ['todos:read']);
  const code = (await client.authorize(person)).get('code') ?? '';
  const { body } = await refresh(client, narrow.refresh_token, { code });
  expect(parseTokens(body).scope).toBe('todos:read');
});

test('a client revokes its refresh token, and thereby the connection', async () => {
  const client = await register('revokes');
  const tokens = await client.connect(person);
  expect((await client.revoke(tokens.refresh_token)).status).toBe(200);
  expect(await refresh(client, tokens.refresh_token)).toEqual(isRejected);
  expect(await countConnections(client)).toBe(0);
  const useAccessToken = () =>
    fetch(system.mcpResource, {
      method: 'POST',
      headers: { authorization: `Bearer ${tokens.access_token}`, 'content-type': 'application/json' },
      body: '{}',
    });
  // the resource server learns of the revocation a moment later
  await expect.poll(async () => (await useAccessToken()).status).toBe(401);
});

test('a public client revokes its access token, and keeps its connection', async () => {
  const client = await register('revokes one');
  const tokens = await client.connect(person);
  expect((await client.revoke(tokens.access_token)).status).toBe(200);
  expect((await refresh(client, tokens.refresh_token)).status).toBe(200);
});

test('introspection says nothing to other programs, or to a public client', async () => {
  const client = await register('introspected');
  const tokens = await client.connect(person);
  const program = await system.registerClient();
  for (const token of [tokens.refresh_token, tokens.access_token]) {
    const byProgram = await fetch(`${system.issuer}/oauth/introspect`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${program.id}:${program.secret}`)}` },
      body: new URLSearchParams({ token }),
    });
    expect(await byProgram.json()).toEqual({ active: false });
    const byClient = await fetch(`${system.issuer}/oauth/introspect`, {
      method: 'POST',
      body: new URLSearchParams({ token, client_id: client.id }),
    });
    expect(await byClient.json()).toEqual({ active: false });
  }
});

test('neither a code nor a refresh token is stored as it is', async () => {
  const client = await register('stored');
  const { refresh_token } = await client.connect(person);
  const code = (await client.authorize(person)).get('code') ?? '';
  const stored = JSON.stringify(await system.em.fork().execute('select * from auth.artifact'));
  for (const secret of [refresh_token, code]) expect(stored).not.toContain(secret);
});

test.each([
  ['the client', 'update auth.client set active = false where client_id = ?', 401, 'invalid_client'],
  ['the account', 'update auth.account set active = false where id = ?', 400, 'invalid_grant'],
])('a refresh after %s was disabled is rejected', async (name, statement, status, error) => {
  const own = await createPerson(system, `of ${name}`);
  const client = await register(`disabled: ${name}`);
  const tokens = await client.connect(own);
  await system.em.fork().execute(statement, [name === 'the account' ? own.id : client.id]);
  await expect.poll(() => refresh(client, tokens.refresh_token)).toMatchObject({ status, body: { error } });
});

test('scopes that an administrator takes from a client are gone at its next refresh', async () => {
  const client = await register('narrowed');
  const tokens = await client.connect(person);
  const narrow = (scopes: string) =>
    system.em.fork().execute('update auth.client set scopes = ? where client_id = ?', [scopes, client.id]);
  await narrow('{todos:read}');
  await expect.poll(async () => Object((await refresh(client, tokens.refresh_token)).body).scope).toBe('todos:read');
});

test('an expired connection cannot be refreshed', async () => {
  const client = await register('expired');
  const { refresh_token } = await client.connect(person);
  await system.em
    .fork()
    .execute("update auth.connection set expires_at = now() - interval '1 second' where client_id = ?", [client.id]);
  expect(await refresh(client, refresh_token)).toEqual(isRejected);
});

test('a second use within the grace is noted, and the account page warns of several networks', async () => {
  const client = await register('shown');
  const { refresh_token } = await client.connect(person);
  const from = (address: string) =>
    fetch(`${system.issuer}/oauth/token`, {
      method: 'POST',
      headers: { 'x-forwarded-for': address },
      body: new URLSearchParams({ grant_type: 'refresh_token', client_id: client.id, refresh_token }),
    });
  await from('192.0.2.1');
  await from('192.0.2.1');
  const read = () =>
    system.em
      .fork()
      .execute('select repeated_uses, repeated_use_networks from auth.connection where client_id = ?', [client.id]);
  await expect.poll(read).toEqual([{ repeated_uses: 1, repeated_use_networks: ['192.0.2.1'] }]);
  expect((await openAccount(system, person)).page.text).not.toContain('Its refresh token was used again');
  await from('198.51.100.1');
  await expect.poll(read).toMatchObject([{ repeated_uses: 2 }]);
  expect((await openAccount(system, person)).page.text).toContain(
    'Its refresh token was used again 2 times, from 2 networks.',
  );
});
