import { generateKeyPairSync } from 'node:crypto';
import { decodeJwt, exportJWK, generateKeyPair } from 'jose';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import * as z from 'zod';
import { AuditEventResponse, ClientResponse, RevocationResponse } from '../../auth/admin/contract.ts';
import { createAdminClient } from '../../cli/admin-client.ts';
import { createIssuer } from '../../shared/resource-server/issuer.ts';
import { postAsClient } from '../support/post-as-client.ts';
import { requestTodos } from '../support/request-todos.ts';
import { type System, startSystem, type TestClient } from '../support/start-system.ts';
import { tokenExchangeParameters } from '../support/token-exchange-parameters.ts';

let system: System;
let admin: TestClient;
let token: string;
beforeAll(async () => {
  system = await startSystem();
  const resource = `${system.issuer}/admin`;
  admin = await system.registerClient({ clientId: 'root', scopes: ['admin'], resources: [resource] });
  token = await system.getAccessToken(admin, { resource });
});
afterAll(() => system[Symbol.asyncDispose]());

async function call(method: string, path: string, body?: unknown, accessToken = token) {
  const response = await fetch(`${system.issuer}/admin${path}`, {
    method,
    headers: { authorization: `Bearer ${accessToken}`, 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) };
}

async function create(request: Record<string, unknown> = {}): Promise<TestClient> {
  const { status, body } = await call('POST', '/clients', {
    client_name: 'Test',
    scope: 'todos:read todos:write',
    ...request,
  });
  expect(status).toBe(201);
  return { id: body.client_id, secret: body.client_secret ?? '' };
}

const issue = (client: TestClient) => system.postToken(client).then(({ status }) => status);
const use = async (accessToken: string) => (await requestTodos(system.apiResource, accessToken)).status;
const waitUntilRejected = (accessToken: string) =>
  vi.waitFor(async () => expect(await use(accessToken)).toBe(401), { timeout: 10_000, interval: 5 });

test('a registered client is shown without its secret and gets access tokens', async () => {
  const created = await call('POST', '/clients', { client_name: 'A program', scope: 'todos:read' });
  expect(created.status).toBe(201);
  const { client_secret, ...shown } = ClientResponse.parse(created.body);
  expect(created.headers.get('location')).toBe(`${system.issuer}/admin/clients/${shown.client_id}`);
  expect(shown).toMatchObject({
    client_name: 'A program',
    scope: 'todos:read',
    resources: [system.apiResource, system.mcpResource],
    token_endpoint_auth_method: 'client_secret_basic',
    one_token_at_a_time: false,
    active: true,
    secrets: [{ expires_at: null, last_used_at: null }],
  });
  expect(await issue({ id: shown.client_id, secret: client_secret ?? '' })).toBe(200);
  expect((await call('GET', `/clients/${shown.client_id}`)).body).toEqual(shown);
  expect((await call('GET', '/clients')).body).toContainEqual(shown);
  expect(JSON.stringify((await call('GET', '/clients')).body)).not.toMatch(/sha256|client_secret"/);
});

test('a client can have a public key instead of a secret, and no private member is accepted', async () => {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
  const request = { client_name: 'With a key', scope: 'todos:read', token_endpoint_auth_method: 'private_key_jwt' };
  const { body } = await call('POST', '/clients', { ...request, jwks: { keys: [await exportJWK(publicKey)] } });
  expect(body).toMatchObject({ token_endpoint_auth_method: 'private_key_jwt', secrets: [] });
  expect(body).not.toHaveProperty('client_secret');
  expect((await call('POST', `/clients/${body.client_id}/secrets`, {})).status).toBe(409);
  const [key, rsa] = [await exportJWK(publicKey), await generateKeyPair('RS256', { extractable: true })];
  for (const jwks of [
    undefined,
    { keys: [] },
    { keys: [await exportJWK(privateKey)] },
    { keys: [{ ...(await exportJWK(rsa.publicKey)), p: (await exportJWK(rsa.privateKey)).p }] },
    { keys: [{ kty: 'EC' }] },
    { keys: [{ ...key, crv: 'P-521' }] },
    { keys: [{ ...key, use: 'enc' }] },
    { keys: [{ ...key, kid: 'a\0b' }] },
    { keys: [{ kty: 'oct', k: 'AAAA' }] },
  ]) {
    expect(await call('POST', '/clients', { ...request, jwks })).toMatchObject({
      status: 400,
      body: { errors: expect.arrayContaining([expect.objectContaining({ field: expect.stringMatching(/^jwks/) })]) },
    });
  }
});

test('a key that could never verify a signature is rejected by name', async () => {
  const ec = await exportJWK((await generateKeyPair('ES256')).publicKey);
  const okp = await exportJWK((await generateKeyPair('Ed25519')).publicKey);
  const rsa = await exportJWK((await generateKeyPair('RS256')).publicKey);
  const short = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' });
  const register = (...keys: object[]) =>
    call('POST', '/clients', {
      client_name: 'With a key',
      scope: 'todos:read',
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys },
    });
  expect((await register(ec, okp, rsa)).status).toBe(201);
  const even = Buffer.from(rsa.n ?? '', 'base64url');
  even[even.length - 1] = 0;
  const coordinate = /^32 bytes in base64url$/;
  const modulus = /^an odd number of at least 2048 bits$/;
  const exponent = /^an odd number from 3, of at most 64 bits, such as AQAB$/;
  for (const [key, member, expected] of [
    [{ ...ec, x: 'AA' }, 'x', coordinate],
    [{ ...ec, y: `${ec.y}A` }, 'y', coordinate],
    [{ ...ec, x: ec.y, y: ec.x }, 'x', /^with y a point on the curve P-256$/],
    [{ ...ec, x: `${ec.x?.slice(0, -1)}_` }, 'x', /^base64url, without padding$/],
    [{ ...ec, x: '' }, 'x', /^base64url, without padding$/],
    [{ ...ec, x: `${ec.x}=` }, 'x', /^base64url, without padding$/],
    [{ ...okp, x: 'AA' }, 'x', /^an Ed25519 public key, 32 bytes in base64url$/],
    [{ ...okp, x: `${okp.x?.slice(0, -1)}AAA` }, 'x', /base64url/],
    [short, 'n', modulus],
    [{ ...rsa, n: even.toString('base64url') }, 'n', modulus],
    [{ ...rsa, n: 'AA' }, 'n', modulus],
    [{ ...rsa, e: 'AQ' }, 'e', exponent],
    [{ ...rsa, e: 'AA' }, 'e', exponent],
    [{ ...rsa, e: 'AQAA' }, 'e', exponent],
    [{ ...rsa, e: Buffer.alloc(9, 0xff).toString('base64url') }, 'e', exponent],
  ] as const)
    expect(await register(ec, key), JSON.stringify(key)).toMatchObject({
      status: 400,
      body: {
        code: 'invalid_request',
        errors: [{ field: `jwks.keys.1.${member}`, expected: expect.stringMatching(expected) }],
      },
    });
});

test.each([
  [{ client_name: '' }, 'client_name'],
  [{ client_name: 'a\0b' }, 'client_name'],
  [{ client_name: 'a\u009b2J' }, 'client_name'],
  [{ client_name: 'a\u202eb' }, 'client_name'],
  [{ client_name: 'a\u2028b' }, 'client_name'],
  [{ client_name: 'a\u2029b' }, 'client_name'],
  [{ client_name: 'a\u{e0041}b' }, 'client_name'],
  [{ resource_server: `http://mcp.example/${'a'.repeat(300)}` }, 'resource_server'],
  [{ scope: '' }, 'scope'],
  [{ scope: 'todos:read nonsense' }, 'scope'],
  [{ client_id: 'a b' }, 'client_id'],
  [{ resources: ['http://evil.example'] }, 'resources.0'],
  [{ resources: [] }, 'resources'],
  [{ token_endpoint_auth_method: 'client_secret_jwt' }, 'token_endpoint_auth_method'],
  [{ client_secret: 'my own' }, 'client_secret'],
])('a client with %j is rejected because of %s', async (wrong, field) => {
  const answer = await call('POST', '/clients', { client_name: 'Test', scope: 'todos:read', ...wrong });
  expect(answer).toMatchObject({ status: 400, body: { errors: [{ field }] } });
  expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
});

test('if several requests register the same id at once, one succeeds', async () => {
  const request = { client_id: 'contested', client_name: 'Test', scope: 'todos:read' };
  const answers = await Promise.all(Array.from({ length: 4 }, () => call('POST', '/clients', request)));
  expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 409, 409, 409]);
  expect(answers.find(({ status }) => status === 409)?.body).toMatchObject({
    code: 'client_exists',
    errors: [{ field: 'client_id' }],
  });
});

test('a change of a client applies to the first request after its response', async () => {
  const client = await create();
  for (let round = 0; round < 4; round += 1) {
    expect((await call('PATCH', `/clients/${client.id}`, { active: false })).status).toBe(200);
    expect(await issue(client)).toBe(401);
    expect((await call('PATCH', `/clients/${client.id}`, { active: true })).status).toBe(200);
    expect(await issue(client)).toBe(200);
  }
});

test('disabling a resource server revokes the tokens that it got in an exchange', async () => {
  const resourceServer = await create({ resources: [system.apiResource], resource_server: system.mcpResource });
  const caller = await create();
  const [subject, untouched] = [
    await system.getAccessToken(caller, { resource: system.mcpResource }),
    await system.getAccessToken(caller),
  ];
  const exchange = () => system.postToken(resourceServer, tokenExchangeParameters(subject));
  const { access_token: exchanged } = z.object({ access_token: z.string() }).parse(await (await exchange()).json());
  expect(await use(exchanged)).toBe(200);
  expect((await call('PATCH', `/clients/${resourceServer.id}`, { active: false })).status).toBe(200);
  await waitUntilRejected(exchanged);
  expect((await exchange()).status).toBe(401);
  // the subject token shares the status of the exchanged token; another token of its client does not
  const headers = { authorization: `Bearer ${subject}` };
  await vi.waitFor(
    async () => expect((await fetch(system.mcpResource, { method: 'POST', headers })).status).toBe(401),
    10_000,
  );
  expect(await use(untouched)).toBe(200);
});

test('a disabled client gets no access token, and the tokens that it had stay revoked after it is enabled', async () => {
  const client = await create();
  const before = await system.getAccessToken(client);
  expect(await use(before)).toBe(200);
  expect(await call('PATCH', `/clients/${client.id}`, { active: false })).toMatchObject({
    status: 200,
    body: { active: false },
  });
  expect(await issue(client)).toBe(401);
  await waitUntilRejected(before);
  expect(await call('PATCH', `/clients/${client.id}`, { active: true })).toMatchObject({
    status: 200,
    body: { active: true },
  });
  const after = await system.getAccessToken(client);
  expect(await use(after)).toBe(200);
  expect(await use(before)).toBe(401);
});

test('a change that would leave no active administrator is rejected', async () => {
  await using own = await startSystem();
  const resource = `${own.issuer}/admin`;
  const root = await own.registerClient({ clientId: 'root', scopes: ['admin'], resources: [resource] });
  const authorization = `Bearer ${await own.getAccessToken(root, { resource })}`;
  const change = async (method: string, id: string, body?: object) =>
    (
      await fetch(`${resource}/clients/${id}`, {
        method,
        headers: { authorization, 'content-type': 'application/json' },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
    ).status;
  expect(await change('PATCH', 'admin', { active: false })).toBe(200);
  // a disabled client does not count as an administrator
  expect(await change('PATCH', 'root', { active: false })).toBe(409);
  expect(await change('PATCH', 'root', { scope: 'todos:read' })).toBe(409);
  expect(await change('DELETE', 'root')).toBe(409);
  expect(await change('PATCH', 'root', { client_name: 'Still here' })).toBe(200);
  expect((await own.postToken(root, { resource })).status).toBe(200);
  expect(await change('PATCH', 'admin', { active: true })).toBe(200);
  // of two changes at the same time, one is rejected
  const both = [change('PATCH', 'root', { active: false }), change('DELETE', 'admin')];
  const statuses = (await Promise.all(both)).toSorted();
  expect([
    [200, 409],
    [200, 401],
  ]).toContainEqual(statuses);
});

test('the admin client says why its credentials were rejected', async () => {
  const issuer = createIssuer({ identifier: system.issuer });
  const connect = (OAUTH_CLIENT_ID: string, OAUTH_CLIENT_SECRET: string) =>
    createAdminClient({ issuer, credentials: { OAUTH_CLIENT_ID, OAUTH_CLIENT_SECRET }, source: 'admin.env' });
  for (let attempt = 0; attempt < 10; attempt += 1) {
    await expect(connect('unknown', 'wrong').listClients()).rejects.toThrow(
      /^The authorization server rejected the client unknown: client authentication failed\. Check that the secret from admin\.env is the current one, and that the client is active\.$/,
    );
  }
  await expect(connect('unknown', 'wrong').listClients()).rejects.toThrow(
    /^The authorization server limits the client unknown: client authentication failed too often .* retry in \d+ seconds\.$/,
  );
  const { id, secret } = await create({ scope: 'todos:read' });
  await expect(connect(id, secret).listClients()).rejects.toThrow(
    new RegExp(`^The authorization server rejected the client ${id}: .*resource`),
  );
});

test('deleting a client revokes its access tokens', async () => {
  const client = await create();
  const before = await system.getAccessToken(client);
  expect((await call('DELETE', `/clients/${client.id}`)).status).toBe(200);
  expect(await issue(client)).toBe(401);
  await waitUntilRejected(before);
  for (const method of ['GET', 'PATCH', 'DELETE']) {
    expect(await call(method, `/clients/${client.id}`, method === 'PATCH' ? {} : undefined)).toMatchObject({
      status: 404,
    });
  }
});

test('the old secret of a client stays valid for the overlap that the request names', async () => {
  const client = await create();
  const rotated = ClientResponse.parse((await call('POST', `/clients/${client.id}/secrets`, { overlap: 3600 })).body);
  expect(rotated.secrets).toHaveLength(2);
  const second = { id: client.id, secret: rotated.client_secret ?? '' };
  expect([await issue(client), await issue(second)]).toEqual([200, 200]);
  const last = { id: client.id, secret: (await call('POST', `/clients/${client.id}/secrets`, {})).body.client_secret };
  expect([await issue(client), await issue(second), await issue(last)]).toEqual([401, 401, 200]);
  expect(await call('POST', `/clients/${client.id}/secrets`, { overlap: -1 })).toMatchObject({
    status: 400,
    body: { errors: [{ field: 'overlap' }] },
  });
});

test('a change of scopes applies to the next access token', async () => {
  const client = await create();
  await call('PATCH', `/clients/${client.id}`, { scope: 'todos:read' });
  expect(decodeJwt(await system.getAccessToken(client)).scope).toBe('todos:read');
  expect(await call('PATCH', `/clients/${client.id}`, { scope: '' })).toMatchObject({
    status: 400,
    body: { errors: [{ field: 'scope' }] },
  });
});

test('a client with one token at a time loses its earlier access token', async () => {
  const client = await create({ one_token_at_a_time: true });
  const first = await system.getAccessToken(client);
  expect(await use(first)).toBe(200);
  const second = await system.getAccessToken(client);
  await waitUntilRejected(first);
  expect(await use(second)).toBe(200);
});

test('an access token, or every token of a client, is revoked and the readers confirm it', async () => {
  const client = await create();
  const [one, two] = [await system.getAccessToken(client), await system.getAccessToken(client)];
  expect([await use(one), await use(two)]).toEqual([200, 200]);
  const revoked = await call('POST', '/revocations', { token: one });
  expect(revoked.status).toBe(201);
  const { sequence } = RevocationResponse.parse(revoked.body);
  const confirmed = await fetch(`${system.issuer}/admin/revocations/${sequence}`, {
    headers: { authorization: `Bearer ${token}`, prefer: 'wait=5' },
  });
  const { confirmed: readers, pending } = RevocationResponse.parse(await confirmed.json());
  expect(pending).toEqual([]);
  expect(readers.map((reader) => reader.split(' ')[0]).sort()).toEqual(['api', 'mcp']);
  // the readers have confirmed the revocation, so it is already in effect: no need to poll
  expect([await use(one), await use(two)]).toEqual([401, 200]);
  expect((await call('POST', '/revocations', { client_id: client.id })).status).toBe(201);
  await waitUntilRejected(two);
  expect(await issue(client)).toBe(200);
  expect(await call('POST', '/revocations', { client_id: 'unknown' })).toMatchObject({ status: 404 });
  expect(await call('POST', '/revocations', { token: 'garbage' })).toMatchObject({
    status: 400,
    body: { errors: [{ field: 'token' }] },
  });
  expect(await call('POST', '/revocations', {})).toMatchObject({ status: 400 });
});

test('the audit has changes and rejections, and no secret and no token', async () => {
  const client = await create();
  const accessToken = await system.getAccessToken(client);
  await call('POST', `/clients/${client.id}/secrets`, { overlap: 60 });
  await call('POST', '/revocations', { token: accessToken });
  const ownToken = await system.getAccessToken(client);
  await postAsClient(`${system.issuer}/oauth/revoke`, client, { token: ownToken });
  await call('PATCH', `/clients/${client.id}`, { active: false });
  await system.postToken({ id: client.id, secret: 'wrong-secret-of-mine' });
  const rejected = await create();
  await system.postToken(rejected, { scope: 'admin' });
  const events = await vi.waitFor(async () => {
    const { body } = await call('GET', '/audit?limit=50');
    const found = AuditEventResponse.array().parse(body);
    // a rejection is answered before its audit event is written
    expect(found).toContainEqual(
      expect.objectContaining({
        action: 'client.authenticate',
        outcome: 'refused',
        actor: client.id,
        address: expect.stringContaining('127.0.0.1'),
        request_id: expect.any(String),
      }),
    );
    expect(found).toContainEqual(
      expect.objectContaining({
        action: 'token.issue',
        outcome: 'refused',
        actor: rejected.id,
        detail: expect.objectContaining({ error: 'invalid_scope' }),
      }),
    );
    return found;
  }, 10_000);
  const actions = events.filter(({ target }) => target === client.id).map(({ action, actor }) => `${actor} ${action}`);
  expect(actions).toEqual(['root client.disable', 'root client.rotate-secret', 'root client.create']);
  expect(events).toContainEqual(
    expect.objectContaining({ action: 'token.revoke', target: decodeJwt(accessToken).jti, actor: 'root' }),
  );
  expect(events).toContainEqual(
    expect.objectContaining({ action: 'token.revoke', target: decodeJwt(ownToken).jti, actor: client.id }),
  );
  const text = JSON.stringify(events);
  for (const credential of [accessToken, client.secret, admin.secret, 'wrong-secret-of-mine'])
    expect(text).not.toContain(credential);
  const [newest, ...others] = AuditEventResponse.array().parse((await call('GET', '/audit?limit=3')).body);
  expect((await call('GET', `/audit?limit=2&before=${newest?.id}`)).body).toEqual(others);
  expect(await call('GET', '/audit?before=x')).toMatchObject({ status: 400, body: { errors: [{ field: 'before' }] } });
  expect(await call('GET', '/audit?limit=0')).toMatchObject({ status: 400, body: { errors: [{ field: 'limit' }] } });
});

test('every route of the administration rejects an access token for another resource', async () => {
  const client = await create();
  const metadata = `${system.issuer}/.well-known/oauth-protected-resource/admin`;
  expect(await (await fetch(metadata)).json()).toMatchObject({
    resource: `${system.issuer}/admin`,
    scopes_supported: ['admin'],
  });
  for (const [method, path] of [
    ['GET', '/clients'],
    ['POST', '/clients'],
    ['GET', '/clients/x'],
    ['PATCH', '/clients/x'],
    ['DELETE', '/clients/x'],
    ['POST', '/clients/x/secrets'],
    ['POST', '/revocations'],
    ['GET', '/revocations/1'],
    ['GET', '/audit'],
  ] as const) {
    const body = method === 'GET' || method === 'DELETE' ? undefined : {};
    const answer = await call(method, path, body, await system.getAccessToken(client));
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toBe(
      `Bearer error="invalid_token", error_description="The access token is for another resource", resource_metadata="${metadata}", scope="admin"`,
    );
  }
  expect((await fetch(`${system.issuer}/admin/clients`)).headers.get('www-authenticate')).toBe(
    `Bearer resource_metadata="${metadata}", scope="admin"`,
  );
});

test('the metrics show leases, revocations, and the progress of the readers', async () => {
  const client = await create();
  const tokens = await Promise.all([1, 2, 3].map(() => system.getAccessToken(client)));
  const metricsOf = async (url: string) => {
    const text = await (await fetch(new URL('/metrics', url))).text();
    return (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
  };
  const before = await metricsOf(system.issuer);
  await call('POST', '/revocations', { token: tokens[0] });
  const after = await vi.waitFor(async () => {
    const metrics = await metricsOf(system.issuer);
    expect(metrics('status_list_revocations')).toBe(before('status_list_revocations') + 1);
    expect(metrics('revocation_lag_seconds_count')).toBe(before('revocation_lag_seconds_count') + 2);
    expect(metrics('status_list_readers_waiting')).toBe(2);
    return metrics;
  }, 10_000);
  expect(after('status_list_indexes_live')).toBeGreaterThanOrEqual(3);
  expect(after('status_list_indexes_leased')).toBeGreaterThanOrEqual(after('status_list_indexes_live'));
  for (const resource of [system.apiResource, system.mcpResource]) {
    const reader = await metricsOf(resource);
    expect(reader('status_list_last_sequence')).toBe(after('status_list_last_sequence'));
    expect(reader('status_list_age_seconds')).toBeLessThan(60);
  }
});
