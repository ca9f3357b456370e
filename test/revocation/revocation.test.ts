import { once } from 'node:events';
import { request } from 'node:http';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import * as z from 'zod';
import { readAuthConfig } from '../../auth/config.ts';
import { authDatabase } from '../../auth/database/definition.ts';
import { startAuth } from '../../auth/main.ts';
import { openOrm } from '../../shared/database/orm.ts';
import { getFreePort } from '../../shared/testing/free-port.ts';
import { createToolCall } from '../support/mcp-messages.ts';
import { otherSpellings } from '../support/other-spellings.ts';
import { postAsClient } from '../support/post-as-client.ts';
import { postMcpMessage } from '../support/post-mcp-message.ts';
import { readResponse } from '../support/read-response.ts';
import { requestAccessToken } from '../support/request-access-token.ts';
import { requestTodos } from '../support/request-todos.ts';
import { type System, startSystem, type TestClient } from '../support/start-system.ts';
import { tokenExchangeParameters } from '../support/token-exchange-parameters.ts';

let system: System;
let client: TestClient;
beforeAll(async () => {
  system = await startSystem();
  client = await system.registerClient();
});
afterAll(() => system[Symbol.asyncDispose]());

const post = async (path: string, requester: TestClient, parameters: Record<string, string>) =>
  readResponse(await postAsClient(`${system.issuer}${path}`, requester, parameters));
const revoke = (token: string, requester = client) => post('/oauth/revoke', requester, { token });
const introspect = (token: string) => post('/oauth/introspect', client, { token });

const useAtApi = async (token: string) => {
  const response = await requestTodos(system.apiResource, token);
  return { status: response.status, challenge: response.headers.get('www-authenticate') };
};
const useAtMcp = async (token: string) => {
  const response = await postMcpMessage(system.mcpResource, createToolCall('list_todos'), { accessToken: token });
  return { status: response.status, challenge: response.headers.get('www-authenticate') };
};
const revoked = {
  status: 401,
  challenge: expect.stringContaining('error="invalid_token", error_description="The access token was revoked"'),
};

test('api and mcp reject a revoked access token within moments', async () => {
  const forApi = await system.getAccessToken(client);
  const forMcp = await system.getAccessToken(client, { resource: system.mcpResource });
  expect([(await useAtApi(forApi)).status, (await useAtMcp(forMcp)).status]).toEqual([200, 200]);
  expect(await revoke(forApi)).toMatchObject({ status: 200, text: '' });
  expect(await revoke(forMcp)).toMatchObject({ status: 200, text: '' });
  await vi.waitFor(async () => expect(await useAtApi(forApi)).toEqual(revoked), { timeout: 10_000, interval: 5 });
  await vi.waitFor(async () => expect(await useAtMcp(forMcp)).toEqual(revoked), { timeout: 10_000, interval: 5 });
  // other access tokens of the client stay valid
  expect((await useAtApi(await system.getAccessToken(client))).status).toBe(200);
});

/**
 * Sends a request with the first part of its body. The returned function sends the rest and resolves with the response.
 */
async function beginPost(url: string, token: string, json: string) {
  const answered = Promise.withResolvers<{ status: number | undefined; challenge: string | undefined }>();
  const headers = {
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'content-length': json.length,
    expect: '100-continue',
  };
  const sent = request(url, { method: 'POST', headers }, (response) => {
    response.resume();
    answered.resolve({ status: response.statusCode, challenge: response.headers['www-authenticate'] });
  });
  sent.on('error', answered.reject);
  const began = once(sent, 'continue');
  sent.flushHeaders();
  await began;
  sent.write(json.slice(0, 5));
  return () => {
    sent.end(json.slice(5));
    return answered.promise;
  };
}

test('a request is rejected when its access token is revoked while its body is being received', async () => {
  const admin = await system.registerClient({ scopes: ['admin'], resources: [`${system.issuer}/admin`] });
  const [forApi, forMcp, forAdmin] = [
    await system.getAccessToken(client),
    await system.getAccessToken(client, { resource: system.mcpResource }),
    await system.getAccessToken(admin, { resource: `${system.issuer}/admin` }),
  ];
  const call = createToolCall('create_todo', { title: 'b' });
  const finish = [
    await beginPost(`${system.apiResource}/todos`, forApi, '{"title":"a"}'),
    await beginPost(system.mcpResource, forMcp, JSON.stringify(call)),
    await beginPost(`${system.issuer}/admin/clients`, forAdmin, '{"client_name":"a","scope":"todos:read"}'),
  ];
  // a new request with each token shows when the revocation is applied
  for (const token of [forApi, forMcp]) expect((await revoke(token)).status).toBe(200);
  expect((await revoke(forAdmin, admin)).status).toBe(200);
  await vi.waitFor(async () => expect(await useAtApi(forApi)).toEqual(revoked), 10_000);
  await vi.waitFor(async () => expect(await useAtMcp(forMcp)).toEqual(revoked), 10_000);
  expect(await Promise.all(finish.map((send) => send()))).toEqual([revoked, revoked, revoked]);
  const todos = await (await requestTodos(system.apiResource, await system.getAccessToken(client))).json();
  expect(todos).not.toContainEqual(expect.objectContaining({ title: expect.stringMatching(/^[ab]$/) }));
});

test('a request that waits for changes gets none after its access token was revoked', async () => {
  const [waiting, writing] = [await system.getAccessToken(client), await system.getAccessToken(client)];
  const changes = `${system.apiResource}/todos/changes`;
  const headers = { authorization: `Bearer ${waiting}`, prefer: 'wait=20' };
  const { next } = z.object({ next: z.string() }).parse(await (await fetch(changes, { headers })).json());
  const answer = fetch(`${changes}?since=${next}`, { headers });
  await revoke(waiting);
  await vi.waitFor(async () => expect(await useAtApi(waiting)).toEqual(revoked), 10_000);
  await requestTodos(system.apiResource, writing, { method: 'POST', body: '{"title":"after the revocation"}' });
  const { status, headers: answered } = await answer;
  expect({ status, challenge: answered.get('www-authenticate') }).toEqual(revoked);
});

test('a client can revoke its own access tokens only, and revoking an invalid token changes nothing', async () => {
  const token = await system.getAccessToken(client);
  const other = await system.registerClient();
  expect(await revoke(token, other)).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
  for (const [, spelling] of [['', `${token.slice(0, -4)}AAAA`] as const, ...otherSpellings(token)])
    expect(await revoke(spelling)).toMatchObject({ status: 200 });
  expect(await revoke('opaque')).toMatchObject({ status: 200 });
  expect(await revoke('a\0b')).toMatchObject({ status: 200 });
  expect(await introspect('a\0b')).toMatchObject({ status: 200, body: { active: false } });
  expect(await post('/oauth/revoke', client, {})).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
  const wrong = await revoke(token, { ...client, secret: 'wrong' });
  expect(wrong).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
  expect(wrong.headers.get('www-authenticate')).toMatch(/^Basic realm=/);
  expect((await introspect(token)).body).toMatchObject({ active: true });
  expect(await revoke(token)).toMatchObject({ status: 200 });
  expect(await revoke(token)).toMatchObject({ status: 200 });
  expect((await introspect(token)).body).toEqual({ active: false });
});

test('a revocation that revokes nothing leaves an audit event', async () => {
  const token = await system.getAccessToken(client);
  const { jti } = decodeJwt(token);
  const other = await system.registerClient();
  await revoke('opaque', other);
  await revoke(token, other);
  await revoke(token);
  await revoke(token);
  await using orm = await openOrm(system.database, authDatabase, { poolSize: 2 });
  const findEvents = (): Promise<{ reason: string | null }[]> =>
    orm.em
      .fork()
      .execute(
        "select actor, target, outcome, detail->>'reason' as reason from auth.audit_event where action = 'token.revoke' and (actor = ? or target = ?) order by id",
        [other.id, jti],
      );
  const action = { outcome: 'refused', actor: other.id };
  await expect
    .poll(async () => (await findEvents()).toSorted(byReason))
    .toEqual(
      [
        { ...action, target: null, reason: 'not a valid access token of this server' },
        { ...action, target: jti, reason: 'issued to another client' },
        { outcome: 'success', actor: client.id, target: jti, reason: null },
        { outcome: 'success', actor: client.id, target: jti, reason: 'the access token was revoked before' },
      ].toSorted(byReason),
    );
});

const byReason = (one: { reason: string | null }, other: { reason: string | null }) =>
  (one.reason ?? '').localeCompare(other.reason ?? '');

test('revoking an exchanged token or its subject token revokes both', async () => {
  const exchange = async () => {
    const subject = await system.getAccessToken(client, { resource: system.mcpResource });
    const exchanged = await system.getAccessToken(
      { id: 'mcp', secret: system.environment.MCP_CLIENT_SECRET ?? '' },
      tokenExchangeParameters(subject),
    );
    return { subject, exchanged };
  };
  const first = await exchange();
  expect(decodeJwt(first.exchanged).status).toEqual(decodeJwt(first.subject).status);
  await revoke(first.subject);
  await vi.waitFor(async () => expect(await useAtApi(first.exchanged)).toEqual(revoked), {
    timeout: 10_000,
    interval: 5,
  });
  const second = await exchange();
  await revoke(second.exchanged, { id: 'mcp', secret: system.environment.MCP_CLIENT_SECRET ?? '' });
  await vi.waitFor(async () => expect(await useAtMcp(second.subject)).toEqual(revoked), {
    timeout: 10_000,
    interval: 5,
  });
  // a revoked token cannot be exchanged
  const answer = await post(
    '/oauth/token',
    { id: 'mcp', secret: system.environment.MCP_CLIENT_SECRET ?? '' },
    tokenExchangeParameters(first.subject),
  );
  expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
});

test('two processes assign no index twice, and each publishes what the other revokes', async ({ skip }) => {
  skip(system.database.kind === 'embedded', 'the embedded database has one process');
  const port = await getFreePort();
  const environment = { ...system.environment, AUTH_PORT: String(port) };
  await using _second = await startAuth(readAuthConfig(environment), system.database);
  const origins = [system.issuer, `http://127.0.0.1:${port}`];
  const tokens = await Promise.all(
    Array.from({ length: 200 }, (_, index) => requestAccessToken(origins[index % 2] ?? '', client)),
  );
  const statuses = tokens.map((token) => JSON.stringify(decodeJwt(token).status));
  expect(new Set(statuses).size).toBe(200);

  const token = await system.getAccessToken(client);
  expect((await useAtApi(token)).status).toBe(200);
  // revoke at the process from which the api does not read
  const response = await postAsClient(`http://127.0.0.1:${port}/oauth/revoke`, client, { token });
  expect(response.status).toBe(200);
  await vi.waitFor(async () => expect(await useAtApi(token)).toEqual(revoked), { timeout: 10_000, interval: 5 });
});

test('without auth, revoked access tokens stay revoked and other tokens stay valid', async () => {
  await using own = await startSystem();
  const holder = await own.registerClient();
  const [good, bad] = [await own.getAccessToken(holder), await own.getAccessToken(holder)];
  const use = async (token: string) => (await requestTodos(own.apiResource, token)).status;
  expect([await use(good), await use(bad)]).toEqual([200, 200]);
  await postAsClient(`${own.issuer}/oauth/revoke`, holder, { token: bad });
  await vi.waitFor(async () => expect(await use(bad)).toBe(401), { timeout: 10_000, interval: 5 });
  await own.stopAuth();
  expect([await use(good), await use(bad)]).toEqual([200, 401]);
});
