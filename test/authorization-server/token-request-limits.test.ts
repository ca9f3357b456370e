import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { authDatabase } from '../../auth/database/definition.ts';
import { openOrm } from '../../shared/database/orm.ts';
import { postAsClient } from '../support/post-as-client.ts';
import { registerPublicClient } from '../support/public-client.ts';
import { registerKeyClient } from '../support/register-key-client.ts';
import { type System, startSystem, type TestClient } from '../support/start-system.ts';
import { tokenExchangeParameters } from '../support/token-exchange-parameters.ts';

let system: System;
beforeAll(async () => {
  system = await startSystem(
    { AUTH_TRUSTED_PROXIES: 'loopback' },
    { quotas: { tokens: 20, exchanges: 3, rejections: 5, revocations: 4, introspections: 4 } },
  );
});
afterAll(() => system[Symbol.asyncDispose]());

const REJECTED: readonly (readonly [string, Record<string, string>])[] = [
  ['invalid_scope', { scope: 'admin' }],
  ['invalid_target', { resource: 'http://unknown.example' }],
  ['unauthorized_client', { grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange' }],
  ['unsupported_grant_type', { grant_type: 'password' }],
];

async function read(response: Response) {
  const { status, headers } = response;
  return { status, retryAfter: headers.get('retry-after'), body: await response.json() };
}

/** What a limited request gets; `what` is the beginning of its description. */
const limited = (what: string) => ({
  status: 429,
  retryAfter: expect.stringMatching(/^[1-5]?\d$|^60$/),
  body: {
    error: 'temporarily_unavailable',
    error_description: expect.stringMatching(
      new RegExp(`^${what} within a minute: send fewer requests and retry in \\d+ seconds$`),
    ),
  },
});
const tooManyRejections = limited('5 token requests of this client were rejected');

async function reject(client: TestClient, times = 5): Promise<void> {
  for (let index = 0; index < times; index += 1) {
    const [error = '', parameters = {}] = REJECTED[index % REJECTED.length] ?? [];
    expect(await read(await system.postToken(client, parameters))).toMatchObject({ status: 400, body: { error } });
  }
}

test('after too many rejections a client gets 429 for further ones, and its valid requests are answered', async () => {
  const [client, another] = [await system.registerClient(), await system.registerClient()];
  await reject(client);
  for (const [, parameters] of REJECTED)
    expect(await read(await system.postToken(client, parameters))).toEqual(tooManyRejections);
  expect(await system.postToken(client)).toMatchObject({ status: 200 });
  const [, parameters] = REJECTED[0] ?? [];
  expect(await read(await system.postToken(another, parameters))).toMatchObject({ status: 400 });
});

test('rejections beyond the limit cause no audit event and no database statement', async () => {
  const client = await system.registerClient();
  const invalid = () => system.postToken(client, { scope: 'admin' });
  for (let index = 0; index < 5; index += 1) expect((await invalid()).status).toBe(400);
  await using orm = await openOrm(system.database, authDatabase, { poolSize: 2 });
  const audited = async () =>
    (await orm.em.fork().execute('select 1 from auth.audit_event where actor = ?', [client.id])).length;
  await expect.poll(audited).toBe(5);
  const statements = system.countStatements();
  // repeat if the read for revocations every two seconds came in between
  await vi.waitFor(async () => {
    const before = statements();
    for (let index = 0; index < 20; index += 1) expect(await read(await invalid())).toEqual(tooManyRejections);
    expect(statements()).toBe(before);
  }, 10_000);
  expect(await audited()).toBe(5);
});

test('after too many rejections a public client gets 429 from that network, and other networks are served', async () => {
  const { id, redemption } = await registerPublicClient(system);
  const redeemFrom = async (address: string) =>
    read(
      await fetch(`${system.issuer}/oauth/token`, {
        method: 'POST',
        headers: { 'x-forwarded-for': address },
        body: new URLSearchParams({ client_id: id, ...redemption('no code') }),
      }),
    );
  const invalidGrant = { status: 400, body: { error: 'invalid_grant' } };
  for (let index = 0; index < 5; index += 1) expect(await redeemFrom('192.0.2.1')).toMatchObject(invalidGrant);
  const statements = system.countStatements();
  await vi.waitFor(async () => {
    const before = statements();
    for (let index = 0; index < 20; index += 1) expect(await redeemFrom('192.0.2.1')).toEqual(tooManyRejections);
    expect(statements()).toBe(before);
  }, 10_000);
  expect(await redeemFrom('192.0.2.2')).toMatchObject(invalidGrant);
});

test('each rejection that counts for a client is in the audit, with its reason', async () => {
  const client = await system.registerClient({ resourceServer: system.mcpResource });
  const exchange = tokenExchangeParameters('no token');
  const rejected = [
    ...REJECTED.filter(([error]) => error !== 'unauthorized_client'),
    ['invalid_request', { ...exchange, subject_token: '' }],
    ['invalid_request', exchange],
  ] as const;
  expect(rejected).toHaveLength(5);
  for (const [error, parameters] of rejected)
    expect(await read(await system.postToken(client, parameters))).toMatchObject({ status: 400, body: { error } });
  expect(await read(await system.postToken(client, exchange))).toEqual(tooManyRejections);
  await using orm = await openOrm(system.database, authDatabase, { poolSize: 2 });
  const audited = () =>
    orm.em.fork().execute('select action, detail from auth.audit_event where actor = ? order by id', [client.id]);
  await expect.poll(audited).toEqual(
    rejected.map(([error]) => ({
      action: 'token.issue',
      detail: { error, reason: expect.any(String), endpoint: '/oauth/token' },
    })),
  );
});

test('wrong secrets of others do not count for a client', async () => {
  const client = await system.registerClient();
  for (let index = 0; index < 6; index += 1)
    expect((await system.postToken({ ...client, secret: 'wrong' }, { scope: 'admin' })).status).toBe(401);
  await reject(client);
});

test('a limited client with a key is rejected before its assertion is stored, and can still revoke', async () => {
  const { post } = await registerKeyClient(system);
  const request = (scope: string) => post('/oauth/token', { grant_type: 'client_credentials', scope });
  expect((await request('todos:read')).status).toBe(200);
  for (let index = 0; index < 5; index += 1) expect((await request('admin')).status).toBe(400);
  const statements = system.countStatements();
  await vi.waitFor(async () => {
    const before = statements();
    for (const scope of ['admin', 'todos:read', 'admin'])
      expect(await read(await request(scope))).toEqual(tooManyRejections);
    expect(statements()).toBe(before);
  }, 10_000);
  expect((await post('/oauth/revoke', { token: 'any' })).status).toBe(200);
});

test('a client that got too many access tokens gets 429, and other clients are served', async () => {
  const [client, another] = [await system.registerClient(), await system.registerClient()];
  const tokens = [];
  for (let index = 0; index < 20; index += 1) tokens.push(await system.getAccessToken(client));
  expect(await read(await system.postToken(client))).toEqual(limited('20 access tokens were issued to this client'));
  expect(await system.postToken(another)).toMatchObject({ status: 200 });
  const [token = ''] = tokens;
  expect((await postAsClient(`${system.issuer}/oauth/introspect`, client, { token })).status).toBe(200);
  expect((await postAsClient(`${system.issuer}/oauth/revoke`, client, { token })).status).toBe(200);
});

test.each([
  ['revocation', '/oauth/revoke'],
  ['introspection', '/oauth/introspect'],
])('a client that sends too many %s requests gets 429 before the token is looked up', async (name, path) => {
  const [client, another] = [await system.registerClient(), await system.registerClient()];
  const keyClient = await registerKeyClient(system);
  const byKey = () => keyClient.post(path, { token: 'any' });
  const bySecret = () => postAsClient(`${system.issuer}${path}`, client, { token: 'any' });
  for (const post of [bySecret, byKey]) {
    for (let index = 0; index < 4; index += 1) expect((await post()).status).toBe(200);
    const statements = system.countStatements();
    await vi.waitFor(async () => {
      const before = statements();
      for (let index = 0; index < 3; index += 1)
        expect(await read(await post())).toEqual(limited(`4 ${name} requests of this client were answered`));
      expect(statements()).toBe(before);
    }, 10_000);
  }
  expect((await postAsClient(`${system.issuer}${path}`, another, { token: 'any' })).status).toBe(200);
  const elsewhere = path === '/oauth/revoke' ? '/oauth/introspect' : '/oauth/revoke';
  expect((await postAsClient(`${system.issuer}${elsewhere}`, client, { token: 'any' })).status).toBe(200);
  expect(await system.postToken(client)).toMatchObject({ status: 200 });
});

test('exchanges are limited for each subject, so that one caller cannot use up those of the MCP server', async () => {
  const mcp = { id: 'mcp', secret: system.environment.OAUTH_CLIENT_SECRET ?? '' };
  const [caller, another] = [await system.registerClient(), await system.registerClient()];
  const getSubjectToken = (client: TestClient) => system.getAccessToken(client, { resource: system.mcpResource });
  const exchange = async (subjectToken: string) =>
    read(await system.postToken(mcp, tokenExchangeParameters(subjectToken)));
  const [first, second] = [await getSubjectToken(caller), await getSubjectToken(caller)];
  for (const token of [first, second, first]) expect(await exchange(token)).toMatchObject({ status: 200 });
  for (const token of [first, second])
    expect(await exchange(token)).toEqual(limited('3 access tokens of this subject were exchanged by this client'));
  expect(await exchange(await getSubjectToken(another))).toMatchObject({ status: 200 });
});
