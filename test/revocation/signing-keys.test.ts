import { setTimeout as delay } from 'node:timers/promises';
import { decodeProtectedHeader, SignJWT } from 'jose';
import { expect, test, vi } from 'vitest';
import * as z from 'zod';
import { KeyResponse, RevocationResponse } from '../../auth/admin/contract.ts';
import { findOrCreateKeyEncryptionKeys } from '../../auth/signing-keys/key-encryption-key.ts';
import { rotateKeys } from '../../auth/signing-keys/key-rotation.ts';
import { decryptKey, readKeys } from '../../auth/signing-keys/key-store.ts';
import type { SigningAlgorithm } from '../../auth/signing-keys/signing-algorithms.ts';
import { createToolCall } from '../support/mcp-messages.ts';
import { openAdministration } from '../support/open-administration.ts';
import { postAsClient } from '../support/post-as-client.ts';
import { postMcpMessage } from '../support/post-mcp-message.ts';
import { requestAccessToken } from '../support/request-access-token.ts';
import { requestTodos } from '../support/request-todos.ts';
import { runYata } from '../support/run-yata.ts';
import { startSecond } from '../support/start-second.ts';
import { type System, startSystem, type TestClient } from '../support/start-system.ts';

const JwkSet = z.object({ keys: z.array(z.object({ kid: z.string(), alg: z.string() })) });
const Aggregation = z.object({ key_ids: z.array(z.string()), revoked_key_ids: z.array(z.string()) });

/** Opens an installation with two auth, api and mcp. With the embedded database it is one process with two of each. */
async function openInstallation() {
  await using opening = new AsyncDisposableStack();
  const system = opening.use(await startSystem());
  const second = opening.use(await startSecond(system));
  const opened = opening.move();
  const issuers = [system.issuer, second.url];
  const apis = [system.apiResource, second.apiResource];
  const mcps = [system.mcpResource, second.mcpResource];
  return {
    system,
    second,
    issuers,
    /** The statuses with which both api and both mcp answer a request with an access token for each. */
    useEverywhere: ({ api, mcp }: { api: string; mcp: string }) =>
      Promise.all([
        ...apis.map(async (resource) => (await requestTodos(resource, api)).status),
        ...mcps.map(
          async (resource) =>
            (await postMcpMessage(resource, createToolCall('list_todos'), { accessToken: mcp })).status,
        ),
      ]),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

async function getTokens(issuer: string, system: System, client: TestClient) {
  const [api, mcp] = await Promise.all([
    requestAccessToken(issuer, client),
    requestAccessToken(issuer, client, { resource: system.mcpResource }),
  ]);
  return { api, mcp };
}

const kidOf = (token: string) => decodeProtectedHeader(token).kid;

/** Settings as auth reads them, for a key that signs sooner than an administrator may ask for. */
const keySettings = ({ environment }: System, algorithm: SigningAlgorithm) => ({
  algorithm,
  keyEncryptionKeys: findOrCreateKeyEncryptionKeys(environment.YATA_DATA_DIR ?? ''),
  accessTokenTtl: 3_600,
});

test('keys of every algorithm replace one another under load, and no request is rejected', async () => {
  await using installation = await openInstallation();
  const { system, issuers, useEverywhere } = installation;
  const client = await system.registerClient();
  const first = await getTokens(system.issuer, system, client);
  const [kids, statuses] = [new Set<string | undefined>(), new Map<number, number>()];
  const stopped = new AbortController();
  const count = (results: readonly number[]) => {
    for (const status of results) statuses.set(status, (statuses.get(status) ?? 0) + 1);
  };
  const load = Promise.all(
    issuers.map(async (issuer) => {
      let tokens = await getTokens(issuer, system, client);
      while (!stopped.signal.aborted) {
        const response = await system.postToken(client);
        count([response.status]);
        count(await useEverywhere(tokens));
        tokens = await getTokens(issuer, system, client);
        for (const token of Object.values(tokens)) kids.add(kidOf(token));
        // otherwise a fast machine uses up the exchanges of mcp, whose limit is not the point here
        await delay(150);
      }
    }),
  );

  const expected = [kidOf(first.api)];
  for (const algorithm of ['EdDSA', 'RS256', 'PS256', 'ES256'] as const) {
    const origin = { actor: 'test', address: null, requestId: null };
    const kid = await rotateKeys(system.em, keySettings(system, algorithm), { seconds: 3, origin });
    expected.push(kid);
    await vi.waitFor(() => expect(kids).toContain(kid), { timeout: 20_000, interval: 20 });
  }
  stopped.abort();
  await load;

  expect([...statuses.keys()]).toEqual([200]);
  expect(statuses.get(200)).toBeGreaterThan(100);
  // none of the processes skipped a key, and the first tokens are still accepted
  expect(expected.filter((kid) => !kids.has(kid))).toEqual([]);
  expect(await useEverywhere(first)).toEqual([200, 200, 200, 200]);
  const published = await Promise.all(
    issuers.map(async (issuer) => JwkSet.parse(await (await fetch(`${issuer}/oauth/jwks`)).json()).keys),
  );
  expect(published[1]).toEqual(published[0]);
  expect(published[0]?.map(({ kid }) => kid)).toEqual(expected.toReversed());
});

test('tokens of a revoked key are rejected everywhere as fast as revoked tokens, and another key signs', async () => {
  await using installation = await openInstallation();
  const { system, issuers, useEverywhere } = installation;
  const { send } = await openAdministration(system);
  const client = await system.registerClient();
  const leaked = await getTokens(system.issuer, system, client);
  expect(await useEverywhere(leaked)).toEqual([200, 200, 200, 200]);
  const admin = await system.registerClient({ scopes: ['admin'], resources: [`${system.issuer}/admin`] });
  const adminTokens = await Promise.all(
    issuers.map((issuer) => requestAccessToken(issuer, admin, { resource: `${system.issuer}/admin` })),
  );
  const listKeys = (issuer: string, token: string) =>
    fetch(`${issuer}/admin/keys`, { headers: { authorization: `Bearer ${token}` } });
  for (const [place, issuer] of issuers.entries())
    expect((await listKeys(issuer, adminTokens[place] ?? '')).status).toBe(200);
  const kid = kidOf(leaked.api) ?? '';
  const forged = await forgeToken(system, leaked.api);
  expect((await requestTodos(system.apiResource, forged)).status).toBe(200);

  const response = await send('DELETE', `/keys/${kid}`);
  expect(response.status).toBe(200);
  const { sequence } = RevocationResponse.parse(await response.json());

  await vi.waitFor(async () => expect(await useEverywhere(leaked)).toEqual([401, 401, 401, 401]), { interval: 5 });
  const challenge = (await requestTodos(system.apiResource, leaked.api)).headers.get('www-authenticate');
  expect(challenge).toContain('error="invalid_token"');
  expect((await requestTodos(system.apiResource, forged)).status).toBe(401);
  // auth itself, at both processes: administration, introspection, exchange
  for (const [place, issuer] of issuers.entries()) {
    expect((await listKeys(issuer, adminTokens[place] ?? '')).status).toBe(401);
    const introspected = await postAsClient(`${issuer}/oauth/introspect`, client, { token: leaked.api });
    expect(await introspected.json()).toEqual({ active: false });
  }
  const tokens = await getTokens(installation.second.url, system, client);
  expect(kidOf(tokens.api)).not.toBe(kid);
  await vi.waitFor(async () => expect(await useEverywhere(tokens)).toEqual([200, 200, 200, 200]));

  const newAdministration = await openAdministration(system);
  const { confirmed, pending } = await newAdministration.confirm(sequence, { seconds: 10 });
  expect(pending).toEqual([]);
  expect(confirmed).toHaveLength(system.database.kind === 'embedded' ? 2 : 4);
  const aggregation = Aggregation.parse(await (await fetch(`${system.issuer}/oauth/status-lists`)).json());
  expect(aggregation).toEqual({ key_ids: [kidOf(tokens.api)], revoked_key_ids: [kid] });
  // the second revocation changes nothing
  const again = await newAdministration.send('DELETE', `/keys/${kid}`);
  expect(await again.json()).toMatchObject({ sequence });
  const keys = KeyResponse.array().parse(await (await newAdministration.send('GET', '/keys')).json());
  expect(keys.map(({ status }) => status)).toEqual(['active', 'revoked']);
});

/** Signs another token with the private key that signed `token`, as a thief of the key does. */
async function forgeToken(system: System, token: string): Promise<string> {
  const [stored] = await readKeys(system.em.fork());
  if (stored === undefined) throw new Error('there is no signing key');
  const { key } = await decryptKey(stored, keySettings(system, 'ES256').keyEncryptionKeys);
  const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
  return new SignJWT({ ...Object(claims), sub: 'victim', exp: Math.floor(Date.now() / 1000) + 1_000_000 })
    .setProtectedHeader({ alg: key.alg, kid: key.kid, typ: 'at+jwt' })
    .sign(key);
}

test('the commands list, rotate and revoke keys, also when the key signed the access token of the command', async () => {
  await using system = await startSystem();
  const admin = await system.registerClient({ scopes: ['admin'], resources: [`${system.issuer}/admin`] });
  const environment = {
    AUTH_ISSUER: system.issuer,
    YATA_DATA_DIR: system.environment.YATA_DATA_DIR ?? '',
    OAUTH_CLIENT_ID: admin.id,
    OAUTH_CLIENT_SECRET: admin.secret,
  };
  const run = async (...args: string[]) => {
    const { code, stdout, stderr } = await runYata([...args.slice(0, 2), '--json', ...args.slice(2)], { environment });
    return { code, stderr, json: stdout === '' ? undefined : JSON.parse(stdout) };
  };
  const [first] = KeyResponse.array().parse((await run('keys', 'list')).json);
  expect(first).toMatchObject({ alg: 'ES256', status: 'active', published_until: null, revoked_at: null });
  const next = KeyResponse.parse((await run('keys', 'rotate', '--in', '1h')).json);
  expect(next).toMatchObject({ status: 'next', revoked_at: null });
  expect(KeyResponse.parse((await run('keys', 'rotate')).json).kid).toBe(next.kid);
  const { json, code } = await run('keys', 'revoke', '--wait', '--', first?.kid ?? '');
  expect({ code, ...RevocationResponse.parse(json) }).toMatchObject({ code: 0, pending: [] });
  const keys = KeyResponse.array().parse((await run('keys', 'list')).json);
  expect(keys.map(({ kid, status }) => [kid, status])).toEqual([
    [next.kid, 'active'],
    [first?.kid, 'revoked'],
  ]);
  expect(await run('keys', 'revoke', 'unknown')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('no signing key'),
  });
});

test('keys are for administrators, and a body that is not understood changes nothing', async () => {
  await using system = await startSystem();
  const { send } = await openAdministration(system);
  const token = await system.getAccessToken(await system.registerClient());
  const [{ kid } = { kid: '' }] = KeyResponse.array().parse(await (await send('GET', '/keys')).json());
  for (const [method, path] of [
    ['GET', '/keys'],
    ['POST', '/keys'],
    ['DELETE', `/keys/${kid}`],
  ]) {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const body = method === 'POST' ? '{}' : undefined;
    const response = await fetch(`${system.issuer}/admin${path}`, { method, headers, ...(body && { body }) });
    expect(response.status, method).toBe(401);
    expect((await fetch(`${system.issuer}/admin${path}`, { method })).status, method).toBe(401);
  }
  for (const body of [{ signs_in: 4 }, { signs_in: 2_592_001 }, { signs_in: '600' }, { signs_in: 5.5 }, { other: 1 }])
    expect((await send('POST', '/keys', body)).status, JSON.stringify(body)).toBe(400);
  expect((await send('DELETE', '/keys/unknown')).status).toBe(404);
  expect(await (await send('GET', '/keys')).json()).toMatchObject([{ kid, status: 'active' }]);
});
