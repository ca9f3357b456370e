import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ClientResponse } from '../../auth/admin/contract.ts';
import { openAdministration } from '../support/open-administration.ts';
import { readResponse } from '../support/read-response.ts';
import { requestTodos } from '../support/request-todos.ts';
import { type System, startSystem } from '../support/start-system.ts';

let system: System;
let administration: Awaited<ReturnType<typeof openAdministration>>;
beforeAll(async () => {
  system = await startSystem();
  administration = await openAdministration(system);
});
afterAll(() => system[Symbol.asyncDispose]());

const createSecret = () => randomBytes(32).toString('base64url');
const declare = async (declared: object) =>
  readResponse(
    await administration.send('POST', '/clients', { client_name: 'Declared', scope: 'todos:read', ...declared }),
  );
const send = async (method: string, path: string, body?: object) =>
  readResponse(await administration.send(method, path, body));

test('a client is registered with the id and the secret that the request declares', async () => {
  const secret = createSecret();
  const { status, body } = await declare({ client_id: 'declared', client_secret: secret });
  expect(status).toBe(201);
  // the caller has the secret, so no response repeats it
  expect(JSON.stringify(body)).not.toContain(secret);
  const token = await system.getAccessToken({ id: 'declared', secret });
  expect((await requestTodos(system.apiResource, token)).status).toBe(200);
  expect(JSON.stringify((await send('GET', '/audit')).body)).not.toContain(secret);
});

test('an id that exists is rejected, and the client keeps its secret', async () => {
  const secret = createSecret();
  await declare({ client_id: 'kept', client_secret: secret });
  expect(await declare({ client_id: 'kept', client_secret: createSecret() })).toMatchObject({
    status: 409,
    body: { code: 'client_exists', errors: [{ field: 'client_id', expected: 'an id that no other client has' }] },
  });
  expect(await system.getAccessToken({ id: 'kept', secret })).toMatch(/^ey/);
});

test('a secret that another client has is rejected with the true cause', async () => {
  const secret = createSecret();
  await declare({ client_id: 'first', client_secret: secret });
  expect(await declare({ client_id: 'second', client_secret: secret })).toMatchObject({
    status: 400,
    body: { errors: [{ field: 'client_secret', expected: 'a secret that no other client has' }] },
  });
  expect((await send('GET', '/clients/second')).status).toBe(404);
});

test.each(['usr_alice', 'dyn_1', 'http', 'https_client', 'a.b', '', 'a'.repeat(101)])(
  'the id %j cannot be declared',
  async (client_id) => {
    expect(await declare({ client_id })).toMatchObject({ status: 400, body: { errors: [{ field: 'client_id' }] } });
  },
);

test.each(['a'.repeat(42), 'a'.repeat(257), `${'a'.repeat(43)}!`, `${'a'.repeat(43)}\n`, ''])(
  'the secret %j cannot be declared, and the error does not repeat it',
  async (client_secret) => {
    const { status, body } = await declare({ client_secret });
    expect({ status, body }).toMatchObject({
      status: 400,
      body: {
        errors: [{ field: 'client_secret', expected: '43 to 256 characters of A-Z, a-z, 0-9, _ and -' }],
      },
    });
    if (client_secret !== '') expect(JSON.stringify(body)).not.toContain(client_secret);
  },
);

test('a client with keys cannot have a secret', async () => {
  const jwks = { keys: [{ kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' }] };
  const declared = { token_endpoint_auth_method: 'private_key_jwt', jwks, client_secret: createSecret() };
  expect(await declare(declared)).toMatchObject({ status: 400, body: { errors: [{ field: 'client_secret' }] } });
});

test('the id of a deleted client can be declared again, and the tokens of the deleted one stay revoked', async () => {
  const [first, second] = [createSecret(), createSecret()];
  await declare({ client_id: 'again', client_secret: first });
  const old = await system.getAccessToken({ id: 'again', secret: first });
  await send('DELETE', '/clients/again');
  expect((await declare({ client_id: 'again', client_secret: second })).status).toBe(201);
  const token = await system.getAccessToken({ id: 'again', secret: second });
  expect((await requestTodos(system.apiResource, token)).status).toBe(200);
  await expect.poll(async () => (await requestTodos(system.apiResource, old)).status).toBe(401);
  await expect(system.getAccessToken({ id: 'again', secret: first })).rejects.toThrow();
});

test('the response to a request that disables a client names the revocation, which can be waited for', async () => {
  const secret = createSecret();
  await declare({ client_id: 'disabled', client_secret: secret });
  const token = await system.getAccessToken({ id: 'disabled', secret });
  const { body } = await send('PATCH', '/clients/disabled', { active: false });
  const { sequence = 0 } = ClientResponse.parse(body).revocation ?? {};
  expect(await administration.confirm(sequence, { seconds: 10 })).toMatchObject({ pending: [] });
  expect((await requestTodos(system.apiResource, token)).status).toBe(401);
  // there is nothing more to revoke, and the newest revocation is named
  const again = ClientResponse.parse((await send('PATCH', '/clients/disabled', { active: false })).body);
  expect(again.revocation?.sequence).toBeGreaterThanOrEqual(sequence);
  const enabled = ClientResponse.parse((await send('PATCH', '/clients/disabled', { active: true })).body);
  expect(enabled.revocation).toBeUndefined();
});
