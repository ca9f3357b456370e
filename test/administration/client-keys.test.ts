import { exportJWK, generateKeyPair } from 'jose';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { AuditEventResponse, ClientResponse } from '../../auth/admin/contract.ts';
import { computeThumbprint } from '../../auth/clients/client-keys.ts';
import { readAuthConfig } from '../../auth/config.ts';
import { authDatabase } from '../../auth/database/definition.ts';
import { startAuth } from '../../auth/main.ts';
import { openOrm } from '../../shared/database/orm.ts';
import { getFreePort } from '../../shared/testing/free-port.ts';
import { openAdministration } from '../support/open-administration.ts';
import { readResponse } from '../support/read-response.ts';
import { type ClientKeyPair, createClientKeyPair, presentAssertion } from '../support/register-key-client.ts';
import { type System, startSystem } from '../support/start-system.ts';

let system: System;
let send: Awaited<ReturnType<typeof openAdministration>>['send'];
let one: ClientKeyPair;
let two: ClientKeyPair;
let three: ClientKeyPair;
beforeAll(async () => {
  system = await startSystem();
  send = (await openAdministration(system)).send;
  [one, two, three] = [
    await createClientKeyPair('one'),
    await createClientKeyPair('two'),
    await createClientKeyPair('three'),
  ];
});
afterAll(() => system[Symbol.asyncDispose]());

/** Registers a client that authenticates with the first key. */
async function register(): Promise<string> {
  const { id } = await system.registerClient({
    tokenEndpointAuthMethod: 'private_key_jwt',
    secretHash: null,
    jwks: { keys: [one.jwk] },
  });
  return id;
}

const change = async (id: string, changes: object) => readResponse(await send('PATCH', `/clients/${id}`, changes));
const setKeys = (id: string, keys: readonly ClientKeyPair[], overlap?: number) =>
  change(id, { jwks: { keys: keys.map(({ jwk }) => jwk) }, overlap });
const thumbprint = ({ jwk }: ClientKeyPair) => computeThumbprint(jwk);

const present = (assertion: string, origin = system.issuer) => presentAssertion(origin, assertion);

async function authenticate(id: string, key: ClientKeyPair, origin?: string): Promise<number> {
  return present(await key.signAssertion(id, system.issuer), origin);
}

test('the old key of a client stays valid for the overlap that the request names', async () => {
  const id = await register();
  expect([await authenticate(id, one), await authenticate(id, two)]).toEqual([200, 401]);
  const { status, body } = await setKeys(id, [two], 3600);
  expect(status).toBe(200);
  expect(ClientResponse.parse(body).keys).toEqual([
    { thumbprint: thumbprint(two), kid: 'two', expires_at: null },
    { thumbprint: thumbprint(one), kid: 'one', expires_at: expect.any(String) },
  ]);
  expect((await readResponse(await send('GET', `/clients/${id}`))).body).toEqual(body);
  expect([await authenticate(id, one), await authenticate(id, two)]).toEqual([200, 200]);
  // the same keys without an overlap end it at once
  expect((await setKeys(id, [two])).body).toMatchObject({ keys: [{ kid: 'two', expires_at: null }] });
  expect([await authenticate(id, one), await authenticate(id, two)]).toEqual([401, 200]);
});

test('without an overlap an assertion of the old key, also one that was signed before, is rejected', async () => {
  const id = await register();
  const signedBefore = await one.signAssertion(id, system.issuer);
  await setKeys(id, [two]);
  expect([await present(signedBefore), await authenticate(id, two)]).toEqual([401, 200]);
});

test('after the overlap an assertion of the old key is rejected, and the key is no longer shown', async () => {
  const id = await register();
  await setKeys(id, [two], 3600);
  expect(await authenticate(id, one)).toBe(200);
  await using orm = await openOrm(system.database, authDatabase, { poolSize: 2 });
  await orm.em.execute("update auth.client set jwks = jsonb_set(jwks, '{keys,1,exp}', '1') where client_id = ?", [id]);
  await vi.waitFor(async () => expect(await authenticate(id, one)).toBe(401), 10_000);
  expect(await authenticate(id, two)).toBe(200);
  expect((await readResponse(await send('GET', `/clients/${id}`))).body).toMatchObject({ keys: [{ kid: 'two' }] });
});

test('two keys with the same kid are both valid during the overlap', async () => {
  const id = await register();
  const next = await createClientKeyPair('one');
  await setKeys(id, [next], 3600);
  expect([await authenticate(id, one), await authenticate(id, next)]).toEqual([200, 200]);
});

test('a client assertion that was used before a change of keys is rejected after it', async () => {
  const id = await register();
  const used = await one.signAssertion(id, system.issuer);
  expect(await present(used)).toBe(200);
  await setKeys(id, [two], 3600);
  expect(await present(used)).toBe(401);
  await setKeys(id, [two, one]);
  expect(await present(used)).toBe(401);
  expect(await authenticate(id, one)).toBe(200);
});

test('old and new keys together are at most 20', async () => {
  const id = await register();
  const many = await Promise.all(Array.from({ length: 20 }, (_, index) => createClientKeyPair(`key-${index}`)));
  expect(await setKeys(id, many, 60)).toMatchObject({
    status: 400,
    body: {
      code: 'invalid_request',
      errors: [
        {
          field: 'jwks.keys',
          expected: 'at most 19 keys, because old keys that stay valid count towards the limit of 20',
        },
      ],
    },
  });
  expect(await authenticate(id, one)).toBe(200);
  expect((await setKeys(id, many.slice(1), 60)).status).toBe(200);
  expect((await setKeys(id, many)).status).toBe(200);
  expect((await setKeys(id, [...many, two])).status).toBe(400);
});

test('keys that no client may have, and an overlap without keys, change nothing', async () => {
  const id = await register();
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  for (const [changes, field] of [
    [{ jwks: { keys: [] } }, 'jwks.keys'],
    [{ jwks: null }, 'jwks'],
    [{ jwks: { keys: [two.jwk, await exportJWK(privateKey)] } }, 'jwks.keys.1'],
    [{ jwks: { keys: [{ kty: 'oct', k: 'AAAA' }] } }, 'jwks.keys.0'],
    [{ jwks: { keys: [{ ...two.jwk, x: 'AA' }] } }, 'jwks.keys.0.x'],
    [{ jwks: { keys: [two.jwk] }, overlap: -1 }, 'overlap'],
    [{ jwks: { keys: [two.jwk] }, overlap: 2_592_001 }, 'overlap'],
    [{ overlap: 60 }, 'overlap'],
  ] as const)
    expect(await change(id, changes), field).toMatchObject({ status: 400, body: { errors: [{ field }] } });
  expect([await authenticate(id, one), await authenticate(id, two)]).toEqual([200, 401]);
  // a member that an administrator invents does not end a key
  expect((await change(id, { jwks: { keys: [{ ...two.jwk, exp: 1 }] } })).status).toBe(200);
  expect(await authenticate(id, two)).toBe(200);
});

test('a client with a secret gets no keys, and an unknown client is not found', async () => {
  const { id } = await system.registerClient();
  expect(await setKeys(id, [two])).toMatchObject({ status: 409, body: { code: 'client_has_no_keys' } });
  expect(await setKeys('unknown', [two])).toMatchObject({ status: 404, body: { code: 'client_not_found' } });
});

test('if several requests change the keys at once, no key of the overlap is lost', async () => {
  const id = await register();
  const answers = await Promise.all([setKeys(id, [two], 3600), setKeys(id, [three], 3600)]);
  expect(answers.map(({ status }) => status)).toEqual([200, 200]);
  for (const key of [one, two, three]) expect(await authenticate(id, key)).toBe(200);
});

test('the audit names the new keys by their thumbprints', async () => {
  const id = await register();
  await setKeys(id, [two, three], 60);
  const events = AuditEventResponse.array().parse((await readResponse(await send('GET', '/audit?limit=5'))).body);
  expect(events.find(({ target }) => target === id)).toMatchObject({
    action: 'client.set-keys',
    outcome: 'success',
    detail: { keys: [thumbprint(two), thumbprint(three)], overlap: 60 },
  });
});

test('a change of keys reaches every auth process', async ({ skip }) => {
  skip(system.database.kind === 'embedded', 'the embedded database has one process');
  const port = String(await getFreePort());
  const environment = { ...system.environment, AUTH_PORT: port, AUTH_URL: `http://127.0.0.1:${port}` };
  await using _second = await startAuth(readAuthConfig(environment), system.database);
  const id = await register();
  const authenticateThere = (key: ClientKeyPair) => authenticate(id, key, environment.AUTH_URL);
  expect(await authenticateThere(one)).toBe(200);
  await setKeys(id, [two], 3600);
  await vi.waitFor(async () => expect(await authenticateThere(two)).toBe(200), 10_000);
  expect(await authenticateThere(one)).toBe(200);
  await setKeys(id, [two]);
  await vi.waitFor(async () => expect(await authenticateThere(one)).toBe(401), 10_000);
  // an assertion that one process accepted is rejected by the other
  const used = await two.signAssertion(id, system.issuer);
  expect([await present(used), await present(used, environment.AUTH_URL)]).toEqual([200, 401]);
});
