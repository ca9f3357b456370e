import { hash } from 'node:crypto';
import { request } from 'node:http';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import pg from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createClientSecret, hashClientSecret } from '../../auth/clients/client-secret.ts';
import { readAuthConfig } from '../../auth/config.ts';
import { authDatabase } from '../../auth/database/definition.ts';
import { startAuth } from '../../auth/main.ts';
import { openOrm } from '../../shared/database/orm.ts';
import { getFreePort } from '../../shared/testing/free-port.ts';
import { basicAuthorization } from '../support/post-as-client.ts';
import { registerKeyClient } from '../support/register-key-client.ts';
import { type System, startSystem, type TestClient } from '../support/start-system.ts';

let system: System;
beforeAll(async () => {
  system = await startSystem();
});
afterAll(() => system[Symbol.asyncDispose]());

/** Returns an address of this machine that no other test uses, because each address has a limit of its own. */
let addresses = 1;
const newAddress = () => {
  addresses += 1;
  return `127.0.0.${addresses}`;
};

const basic = (client: TestClient) => ({ authorization: basicAuthorization(client) });

function post(
  address: string,
  {
    path = '/oauth/token',
    headers = {},
    parameters = {},
    origin = system.issuer,
  }: {
    path?: string;
    headers?: Record<string, string>;
    parameters?: Record<string, string>;
    origin?: string;
  },
) {
  return new Promise<{ status: number | undefined; retryAfter: string | undefined; text: string; body: unknown }>(
    (resolve, reject) => {
      const sent = request(
        `${origin}${path}`,
        {
          method: 'POST',
          localAddress: address,
          headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' },
        },
        async (response) => {
          const text = Buffer.concat(await response.toArray()).toString();
          const { statusCode: status, headers } = response;
          resolve({
            status,
            retryAfter: headers['retry-after'],
            text,
            body: text === '' ? undefined : JSON.parse(text),
          });
        },
      );
      sent.on('error', reject);
      sent.end(new URLSearchParams({ grant_type: 'client_credentials', ...parameters }).toString());
    },
  );
}
const getToken = (address: string, client: TestClient, origin?: string) =>
  post(address, { headers: basic(client), ...(origin !== undefined && { origin }) });

/** Makes failing attempts, and expects each to be verified and rejected. */
async function guess(times: number, attempt: (secret: string) => ReturnType<typeof post>): Promise<void> {
  for (let guesses = 0; guesses < times; guesses += 1) {
    expect(await attempt(createClientSecret())).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
  }
}

test('a client whose secret is guessed is limited only at the address of the attacker, and its correct secret is accepted', async () => {
  const [attacker, elsewhere] = [newAddress(), newAddress()];
  const [guessed, neighbour] = [await system.registerClient(), await system.registerClient()];
  const wrong = { ...guessed, secret: createClientSecret() };
  await guess(10, (secret) => getToken(attacker, { ...guessed, secret }));

  const answer = await getToken(attacker, wrong);
  expect(answer).toMatchObject({
    status: 429,
    body: {
      error: 'temporarily_unavailable',
      error_description: expect.stringMatching(
        /^client authentication failed too often from this address: check the client credentials and retry in \d+ seconds$/,
      ),
    },
  });
  expect(Number(answer.retryAfter)).toBeGreaterThan(50);
  expect(Number(answer.retryAfter)).toBeLessThanOrEqual(60);
  expect(answer.text).not.toContain(wrong.secret);
  expect(answer.text).not.toContain(guessed.id);
  for (const path of ['/oauth/revoke', '/oauth/introspect']) {
    const parameters = { token: 'any' };
    expect(await post(attacker, { path, headers: basic(wrong), parameters })).toMatchObject({
      status: 429,
      retryAfter: expect.any(String),
    });
    expect(await post(attacker, { path, headers: basic(guessed), parameters })).toMatchObject({ status: 200 });
  }
  // the program at this address goes on while the attacker goes on, too
  for (let round = 0; round < 3; round += 1) {
    expect(await getToken(attacker, guessed)).toMatchObject({ status: 200 });
    expect(await getToken(attacker, wrong)).toMatchObject({ status: 429 });
  }
  expect(await getToken(attacker, neighbour)).toMatchObject({ status: 200 });
  expect(await getToken(elsewhere, guessed)).toMatchObject({ status: 200 });
  expect(await getToken(elsewhere, wrong)).toMatchObject({ status: 401 });
});

test.each([
  ['/oauth/revoke', 'client_secret_basic'],
  ['/oauth/introspect', 'client_secret_basic'],
  ['/oauth/token', 'client_secret_post'],
])('failures at %s with %s count', async (path, method) => {
  const address = newAddress();
  const client = await system.registerClient();
  const attempt = (secret: string) =>
    post(
      address,
      method === 'client_secret_basic'
        ? { path, headers: basic({ ...client, secret }), parameters: { token: 'any' } }
        : { path, parameters: { client_id: client.id, client_secret: secret } },
    );
  await guess(10, attempt);
  const wrong = createClientSecret();
  expect(await attempt(wrong)).toMatchObject({ status: 429 });
  expect(await getToken(address, { ...client, secret: wrong })).toMatchObject({ status: 429 });
  expect(await attempt(client.secret)).toMatchObject({ status: 200 });
});

test('the MCP server gets access tokens after ten wrong secrets from its own address', async () => {
  const address = newAddress();
  const mcp = { id: 'mcp', secret: system.environment.OAUTH_CLIENT_SECRET ?? '' };
  await guess(10, (secret) => getToken(address, { ...mcp, secret }));
  expect(await getToken(address, { ...mcp, secret: createClientSecret() })).toMatchObject({ status: 429 });
  expect(await getToken(address, mcp)).toMatchObject({ status: 200 });
});

test('a limited client whose secret was replaced gets access tokens with the new secret', async () => {
  const address = newAddress();
  const client = await system.registerClient();
  await guess(10, (secret) => getToken(address, { ...client, secret }));
  const secret = createClientSecret();
  await using orm = await openOrm(system.database, authDatabase, { poolSize: 2 });
  // removes the client from the cache
  await orm.em
    .fork()
    .execute('update auth.client_secret set hash = ? where client_id = ?', [hashClientSecret(secret), client.id]);
  await orm.em.fork().execute("update auth.client set name = 'changed' where client_id = ?", [client.id]);
  await expect.poll(() => getToken(address, { ...client, secret })).toMatchObject({ status: 200 });
  expect(await getToken(address, client)).toMatchObject({ status: 429 });
});

test('an unknown client id is limited like a registered one', async () => {
  const address = newAddress();
  await guess(10, (secret) => getToken(address, { id: 'unknown', secret }));
  expect(await getToken(address, { id: 'unknown', secret: 'x' })).toMatchObject({ status: 429 });
});

test('invalid client assertions count, and while they are limited a valid one is rejected unverified', async () => {
  const address = newAddress();
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const { privateKey: another } = await generateKeyPair('ES256');
  const { id } = await system.registerClient({
    tokenEndpointAuthMethod: 'private_key_jwt',
    secretHash: null,
    jwks: { keys: [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256', use: 'sig' }] },
  });
  const attempt = async (jti: string, key = another, from = address) =>
    post(from, {
      parameters: {
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: await new SignJWT({ iss: id, sub: id, aud: system.issuer, jti })
          .setProtectedHeader({ alg: 'ES256', kid: 'one' })
          .setIssuedAt()
          .setExpirationTime('1m')
          .sign(key),
      },
    });
  await guess(10, attempt);
  expect(await attempt('one more')).toMatchObject({ status: 429 });
  expect(await attempt('valid', privateKey)).toMatchObject({ status: 429, retryAfter: expect.any(String) });
  expect(await attempt('elsewhere', privateKey, newAddress())).toMatchObject({ status: 200 });
});

test.each([
  ['ten wrong secrets', (id: string) => ({ parameters: { client_id: id, client_secret: 'wrong' } })],
  ['ten requests with its client id alone', (id: string) => ({ parameters: { client_id: id } })],
])('%s from the address of a client with a key do not limit its assertions', async (_, attempt) => {
  const address = newAddress();
  const { id, createAssertion } = await registerKeyClient(system);
  await guess(10, () => post(address, attempt(id)));
  expect(await post(address, attempt(id))).toMatchObject({ status: 429, retryAfter: expect.stringMatching(/^\d+$/) });
  for (const path of ['/oauth/token', '/oauth/revoke', '/oauth/introspect']) {
    const parameters = { ...(await createAssertion()), ...(path !== '/oauth/token' && { token: 'any' }) };
    expect(await post(address, { path, parameters })).toMatchObject({ status: 200 });
  }
  expect(await post(address, attempt(id))).toMatchObject({ status: 429 });
});

/** Creates a client assertion with an invalid signature. */
function assertion(claims: Record<string, unknown>) {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return {
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: `${part({ alg: 'ES256' })}.${part({ iss: 'x', aud: system.issuer, exp: Math.floor(Date.now() / 1000) + 60, ...claims })}.AAAA`,
  };
}

test('a subject of a client assertion that is not a string is not used as a query', async () => {
  const address = newAddress();
  for (const sub of [{ $re: '^adm' }, { $ne: null }, ['admin'], 5, true, 'a\0b']) {
    expect(await post(address, { parameters: assertion({ sub }) })).toMatchObject({
      status: 401,
      body: {
        error: 'invalid_client',
        error_description: expect.stringMatching(/^client_assertion: expected iss and sub/),
      },
    });
  }
  await guess(5, async () => post(address, { parameters: assertion({ sub: { $ne: null } }) }));
  expect(await post(address, { parameters: assertion({ sub: { $ne: null } }) })).toMatchObject({ status: 429 });
});

test('a request without a client id leaves no event in the audit', async () => {
  const address = newAddress();
  for (const sub of [undefined, '', { $ne: null }]) {
    expect(await post(address, { parameters: assertion({ sub }) })).toMatchObject({ status: 401 });
  }
  await guess(1, (secret) => getToken(address, { id: 'claimed', secret }));
  await using orm = await openOrm(system.database, authDatabase, { poolSize: 2 });
  const audited = () => orm.em.fork().execute('select actor from auth.audit_event where address = ?', [address]);
  await vi.waitFor(async () => expect(await audited()).toEqual([{ actor: 'claimed' }]), 10_000);
});

test('a made-up client id with characters that PostgreSQL rejects is in the audit', async () => {
  const address = newAddress();
  const invalid = 'a\0b';
  const answer = await post(address, { parameters: { client_id: invalid, client_secret: 'x' } });
  expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
  expect(await post(address, { parameters: assertion({ sub: 'a\ud800b' }) })).toMatchObject({ status: 401 });
  await using orm = await openOrm(system.database, authDatabase, { poolSize: 2 });
  const audited = () => orm.em.fork().execute('select actor from auth.audit_event where address = ?', [address]);
  await vi.waitFor(async () => expect(await audited()).toEqual([{ actor: 'a\ufffdb' }, { actor: 'a\ufffdb' }]), 10_000);
});

test('of a thousand guesses at the same time, ten are answered as wrong', async () => {
  const address = newAddress();
  const client = await system.registerClient();
  await getToken(newAddress(), client);
  const answers = await Promise.all(
    Array.from({ length: 1000 }, () => getToken(address, { ...client, secret: createClientSecret() })),
  );
  expect(answers.filter(({ status }) => status === 401)).toHaveLength(10);
  expect(answers.filter(({ status }) => status === 429)).toHaveLength(990);
});

test('guesses with many client ids block the address, except for clients with a correct secret', async () => {
  const address = newAddress();
  const [legitimate, revoker] = [await system.registerClient(), await system.registerClient()];
  const newcomer = await system.registerClient();
  expect(await getToken(address, legitimate)).toMatchObject({ status: 200 });
  const revocation = { path: '/oauth/revoke', headers: basic(revoker), parameters: { token: 'any' } };
  expect(await post(address, revocation)).toMatchObject({ status: 200 });
  let madeUp = 0;
  await guess(100, (secret) => {
    madeUp += 1;
    return getToken(address, { id: `made-up-${madeUp}`, secret });
  });
  expect(await getToken(address, { id: 'one-more', secret: 'x' })).toMatchObject({ status: 429 });
  expect(await getToken(address, newcomer)).toMatchObject({ status: 200 });
  // one wrong secret of a client that has authenticated from there is no reason to block it
  expect(await getToken(address, { ...legitimate, secret: 'x' })).toMatchObject({ status: 401 });
  expect(await getToken(address, legitimate)).toMatchObject({ status: 200 });
  expect(await post(address, revocation)).toMatchObject({ status: 200 });
});

test('a limited request causes no database statement', async () => {
  const address = newAddress();
  const client = await system.registerClient();
  const wrong = { ...client, secret: createClientSecret() };
  await guess(10, (secret) => getToken(address, { ...client, secret }));
  const statements = system.countStatements();
  // repeat if the writes of the failures, or the read for revocations every two seconds, came in between
  await vi.waitFor(async () => {
    const before = statements();
    for (let requests = 0; requests < 20; requests += 1) {
      expect(await getToken(address, wrong)).toMatchObject({ status: 429 });
    }
    expect(statements()).toBe(before);
  }, 10_000);
});

test('while an address is limited, made-up client ids cause few reads of the database', async () => {
  const address = newAddress();
  let madeUp = 0;
  const makeUp = () => {
    madeUp += 1;
    return getToken(address, { id: `invented-${madeUp}`, secret: 'x' });
  };
  await guess(100, makeUp);
  const reads = countReadsOfSecrets();
  const before = reads();
  // all of them within one second
  vi.useFakeTimers({ toFake: ['Date'] });
  try {
    for (let requests = 0; requests < 50; requests += 1) expect(await makeUp()).toMatchObject({ status: 429 });
  } finally {
    vi.useRealTimers();
  }
  expect(reads() - before).toBeLessThanOrEqual(10);
});

/** Starts to count the statements that read the secrets of a client. The function that it returns returns their number. */
function countReadsOfSecrets(): () => number {
  const { database } = system;
  const isRead = (text: string) => /select .* from "auth"."client_secret"/.test(text);
  if (database.kind === 'postgresql') {
    const query = vi.spyOn(pg.Client.prototype, 'query');
    return () =>
      query.mock.calls.filter(([statement]) => isRead(JSON.stringify(statement).replaceAll('\\', ''))).length;
  }
  const spies = [vi.spyOn(database.pglite, 'execProtocol'), vi.spyOn(database.pglite, 'execProtocolStream')];
  return () =>
    spies.flatMap(({ mock }) => mock.calls).filter(([message]) => isRead(Buffer.from(message).toString())).length;
}

test('two auth processes on PostgreSQL share their counts', async ({ skip }) => {
  skip(system.database.kind === 'embedded', 'the embedded database has one process');
  const address = newAddress();
  const client = await system.registerClient();
  const port = await getFreePort();
  const environment = { ...system.environment, AUTH_PORT: String(port) };
  await using _second = await startAuth(readAuthConfig(environment), system.database);
  const second = `http://127.0.0.1:${port}`;
  await using orm = await openOrm(system.database, authDatabase, { poolSize: 2 });
  const counted = () =>
    orm.em
      .fork()
      .execute('select max(points) as points from auth.failed_authentication where key = ?', [
        `identifier:${hash('sha256', `${address} secret ${client.id}`, 'base64url')}`,
      ]);
  await guess(5, (secret) => getToken(address, { ...client, secret }));
  // the failures of the first process are in the database a moment after its responses
  await expect.poll(counted).toEqual([{ points: 5 }]);
  await guess(5, (secret) => getToken(address, { ...client, secret }, second));
  const wrong = { ...client, secret: createClientSecret() };
  await expect.poll(() => getToken(address, wrong, second)).toMatchObject({ status: 429 });
  // the first process learns of the limit with its next failure
  await guess(1, (secret) => getToken(address, { ...client, secret }));
  await expect.poll(() => getToken(address, wrong)).toMatchObject({ status: 429 });
});

test('X-Forwarded-For from an address that is not a trusted proxy is ignored', async () => {
  const address = newAddress();
  const client = await system.registerClient();
  let guesses = 0;
  await guess(10, (secret) => {
    guesses += 1;
    return post(address, { headers: { ...basic({ ...client, secret }), 'x-forwarded-for': `203.0.113.${guesses}` } });
  });
  const headers = { ...basic({ ...client, secret: 'wrong' }), 'x-forwarded-for': '203.0.113.200' };
  expect(await post(address, { headers })).toMatchObject({ status: 429 });
});

test('behind a trusted proxy the limit applies to the address that the proxy adds, not to what the client sends', async () => {
  await using behind = await startSystem({ AUTH_TRUSTED_PROXIES: '127.0.0.64/27, 10.0.0.0/8' });
  const [proxy, noProxy] = ['127.0.0.70', '127.0.0.40'];
  const client = await behind.registerClient();
  const forwarded = (address: string, forwardedFor: string, secret = client.secret) =>
    post(address, {
      headers: { ...basic({ ...client, secret }), 'x-forwarded-for': forwardedFor },
      origin: behind.issuer,
    });
  let guesses = 0;
  await guess(10, (secret) => {
    guesses += 1;
    // the left address is sent by the attacker, the right one is that of a second proxy
    return forwarded(proxy, `198.51.100.${guesses}, 203.0.113.1, 10.0.0.9`, secret);
  });
  expect(await forwarded(proxy, '203.0.113.1', 'wrong')).toMatchObject({ status: 429 });
  expect(await forwarded(proxy, '203.0.113.2')).toMatchObject({ status: 200 });
  // a client that is not a proxy cannot name its own address
  expect(await forwarded(noProxy, '203.0.113.1', 'wrong')).toMatchObject({ status: 401 });

  await using orm = await openOrm(behind.database, authDatabase, { poolSize: 2 });
  const addresses = () =>
    orm.em
      .fork()
      .execute<{ address: string; failures: number }[]>(
        "select address, count(*)::int as failures from auth.audit_event where outcome = 'refused' group by 1",
      );
  await expect
    .poll(async () => (await addresses()).toSorted((one, other) => one.failures - other.failures))
    .toEqual([
      { address: noProxy, failures: 1 },
      { address: '203.0.113.1', failures: 10 },
    ]);
});
