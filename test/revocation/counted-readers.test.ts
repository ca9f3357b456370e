import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import * as z from 'zod';
import { openAdministration } from '../support/open-administration.ts';
import { basicAuthorization } from '../support/post-as-client.ts';
import { readResponse } from '../support/read-response.ts';
import { requestTodos } from '../support/request-todos.ts';
import { type System, startSystem, type TestClient } from '../support/start-system.ts';

let system: System;
let client: TestClient;
let administration: Awaited<ReturnType<typeof openAdministration>>;
beforeAll(async () => {
  system = await startSystem();
  client = await system.registerClient();
  administration = await openAdministration(system);
  // the first access token creates a list; on PostgreSQL auth adds it to the aggregation after a notification
  await system.getAccessToken(client);
  await vi.waitFor(async () => expect(await (await read()).json()).toHaveProperty('status_lists.length', 1), 10_000);
});
afterAll(() => system[Symbol.asyncDispose]());

type ReadOptions = {
  readonly as?: TestClient;
  readonly name?: string;
  readonly known?: string;
  readonly wait?: number;
  readonly path?: string;
  readonly signal?: AbortSignal;
};

function read({ as, name, known, wait, path = '', signal }: ReadOptions = {}): Promise<Response> {
  return fetch(`${system.issuer}/oauth/status-lists${path}`, {
    headers: {
      ...(as && { authorization: basicAuthorization(as) }),
      ...(name !== undefined && { 'status-list-reader': name }),
      ...(known !== undefined && { 'if-none-match': known }),
      ...(wait !== undefined && { prefer: `wait=${wait}` }),
    },
    ...(signal && { signal }),
  });
}

const currentTag = async () => (await read()).headers.get('etag') ?? '';
const registerResourceServer = () => system.registerClient({ resourceServer: 'http://reader.example' });
const revokeToken = async () => administration.revoke(await system.getAccessToken(client));

async function readMetric(name: string): Promise<number> {
  const text = await (await fetch(`${system.issuer}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
}

test('api and mcp are counted by their client ids', async () => {
  const { sequence } = await revokeToken();
  const { confirmed, pending } = await administration.confirm(sequence, { seconds: 10 });
  expect(pending).toEqual([]);
  expect(confirmed.toSorted()).toEqual([
    expect.stringMatching(/^api \(.+-[0-9a-f]{8}\)$/),
    expect.stringMatching(/^mcp \(.+-[0-9a-f]{8}\)$/),
  ]);
  await vi.waitFor(async () => expect(await readMetric('status_list_readers_waiting')).toBe(2), 10_000);
});

test('a request without authentication is not counted, whatever it names and acknowledges', async () => {
  await revokeToken();
  await delay(200);
  const lags = await readMetric('revocation_lag_seconds_count');
  for (const name of ['liar', 'api', '\x9b2J'])
    for (const known of ['"0-1.1"', '"999999999999999-1.1"', await currentTag()])
      expect((await read({ name, known })).status).toBeLessThan(400);
  expect(await readMetric('revocation_lag_seconds_count')).toBe(lags);
  const { sequence } = await revokeToken();
  const { confirmed, pending } = await administration.confirm(sequence, { seconds: 10 });
  expect(pending).toEqual([]);
  expect(confirmed).toHaveLength(2);
});

test('processes of one client are counted one by one, and their names cannot control a terminal', async () => {
  const reader = await registerResourceServer();
  const known = await currentTag();
  for (const name of ['one', 'two', '\x9b2J\u00e9 three', 'x'.repeat(300)]) await read({ as: reader, name, known });
  await read({ as: reader, known });
  const { sequence } = await revokeToken();
  const { pending } = await administration.confirm(sequence, { seconds: 1 });
  expect(pending).toEqual(
    [' (one)', ' (two)', ' (?2J? three)', ` (${'x'.repeat(100)})`, ''].map((name) => `${reader.id}${name}`),
  );
  // what no process has published cannot be acknowledged
  await read({ as: reader, name: 'one', known: `"${sequence + 1000}-1.1"` });
  const { sequence: next } = await revokeToken();
  expect((await administration.confirm(next, { seconds: 1 })).pending).toContain(`${reader.id} (one)`);
  await administration.send('DELETE', `/clients/${reader.id}`);
});

test.each(['disabled', 'deleted', 'given another secret'])(
  'a waiting reader whose client is %s no longer counts, and its next request is rejected',
  async (what) => {
    const reader = await registerResourceServer();
    await read({ as: reader, name: 'one', known: await currentTag() });
    const { sequence } = await revokeToken();
    const aborted = new AbortController();
    const waiting = read({ as: reader, name: 'two', known: await currentTag(), wait: 30, signal: aborted.signal });
    waiting.catch(() => undefined);
    await vi.waitFor(
      async () =>
        expect((await administration.confirm(sequence, { seconds: 1 })).confirmed).toContain(`${reader.id} (two)`),
      10_000,
    );
    const confirming = administration.confirm(sequence, { seconds: 20 });
    if (what === 'disabled') await administration.send('PATCH', `/clients/${reader.id}`, { active: false });
    else if (what === 'deleted') await administration.send('DELETE', `/clients/${reader.id}`);
    else await administration.send('POST', `/clients/${reader.id}/secrets`, {});
    const { confirmed, pending } = await confirming;
    expect([...confirmed, ...pending].filter((name) => name.startsWith(reader.id))).toEqual([]);
    expect(pending).toEqual([]);
    expect(await read({ as: reader })).toMatchObject({ status: 401 });
    aborted.abort();
  },
);

test('a new secret with an overlap, and another name, change nothing for a reader', async () => {
  const reader = await registerResourceServer();
  await read({ as: reader, known: await currentTag() });
  await administration.send('POST', `/clients/${reader.id}/secrets`, { overlap: 60 });
  await administration.send('PATCH', `/clients/${reader.id}`, { client_name: 'Renamed' });
  await delay(200);
  const { sequence } = await revokeToken();
  expect((await administration.confirm(sequence, { seconds: 1 })).pending).toEqual([reader.id]);
  expect((await read({ as: reader })).status).toBe(200);
  await administration.send('DELETE', `/clients/${reader.id}`);
});

test('without a resource server that authenticates none is counted, and revocations still arrive', async () => {
  await using own = await startSystem();
  const { send, revoke, confirm } = await openAdministration(own);
  const holder = await own.registerClient();
  const token = await own.getAccessToken(holder);
  for (const id of ['api', 'mcp']) await send('PATCH', `/clients/${id}`, { active: false });
  const { sequence } = await revoke(token);
  expect(await confirm(sequence, { seconds: 5 })).toEqual({ sequence, confirmed: [], pending: [] });
  // the waiting requests of api and mcp were answered; the next ones are rejected, then sent without authentication
  for (let revocation = 0; revocation < 2; revocation += 1) {
    const next = await own.getAccessToken(holder);
    expect((await requestTodos(own.apiResource, next)).status).toBe(200);
    const revoked = await revoke(next);
    await vi.waitFor(async () => expect((await requestTodos(own.apiResource, next)).status).toBe(401), 10_000);
    expect(revoked).toMatchObject({ confirmed: [], pending: [] });
  }
});

const invalidClient = {
  status: 401,
  body: { error: 'invalid_client', error_description: 'client authentication failed' },
};

test.each<[string, (reader: TestClient) => Promise<string> | string]>([
  ['a wrong secret', (reader) => basicAuthorization({ ...reader, secret: 'x'.repeat(43) })],
  ['an unknown client', () => basicAuthorization({ id: 'unknown', secret: 'x'.repeat(43) })],
  ['an id with NUL', () => basicAuthorization({ id: 'a\0b', secret: 'x'.repeat(43) })],
  ['a client without a secret', async () => basicAuthorization({ id: await registerKeyClient(), secret: 'x' })],
  ['an access token', async () => `Bearer ${await system.getAccessToken(client)}`],
  ['something that is not base64', () => 'Basic ???'],
])('%s is rejected with a challenge, for the aggregation and for a list', async (_what, authorizationOf) => {
  const authorization = await authorizationOf(await registerResourceServer());
  for (const path of ['', '/1']) {
    const response = await fetch(`${system.issuer}/oauth/status-lists${path}`, { headers: { authorization } });
    const challenge = response.headers.get('www-authenticate');
    expect(await readResponse(response)).toMatchObject(invalidClient);
    expect(challenge).toBe(
      `Basic realm="${system.issuer}", error="invalid_client", error_description="client authentication failed"`,
    );
  }
});

async function registerKeyClient(): Promise<string> {
  const jwks = { keys: [{ kty: 'EC', crv: 'P-256', x: 'x', y: 'y' }] };
  const { id } = await system.registerClient({
    tokenEndpointAuthMethod: 'private_key_jwt',
    secretHash: null,
    jwks,
    resourceServer: 'http://reader.example',
  });
  return id;
}

test('a client that is no resource server is rejected, and can read without authentication', async () => {
  const response = await read({ as: client, known: await currentTag() });
  expect(await readResponse(response)).toMatchObject({
    status: 403,
    body: { error: 'unauthorized_client', error_description: expect.stringContaining('resource_server') },
  });
});

test('wrong secrets count as failed authentications, and the right secret is accepted nevertheless', async () => {
  const reader = await registerResourceServer();
  const guess = () => read({ as: { ...reader, secret: 'x'.repeat(43) } });
  const statuses: number[] = [];
  for (let guesses = 0; guesses < 12; guesses += 1) statuses.push((await guess()).status);
  expect(statuses).toEqual([...Array(10).fill(401), 429, 429]);
  const limited = await guess();
  expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(50);
  expect(await readResponse(limited)).toMatchObject({
    status: 429,
    body: {
      error: 'temporarily_unavailable',
      error_description: expect.stringMatching(
        /^client authentication failed too often from this address: .* seconds$/,
      ),
    },
  });
  expect((await read({ as: reader })).status).toBe(200);
  // the failures are counted together with those at the token endpoint
  expect((await system.postToken({ ...reader, secret: 'x'.repeat(43) })).status).toBe(429);
  // the audit is written after the response
  await expect.poll(countRejections, { timeout: 10_000 }).toBe(10);

  async function countRejections(): Promise<number> {
    const events = await (await administration.send('GET', '/audit?limit=1000')).json();
    return z
      .array(z.object({ actor: z.string().nullable() }))
      .parse(events)
      .filter(({ actor }) => actor === reader.id).length;
  }
});

test('a hundred requests without authentication wait, and one more is answered at once', async () => {
  const reader = await registerResourceServer();
  const known = await currentTag();
  const answered: string[] = [];
  const aborted = new AbortController();
  const wait = async (kind: string, as?: TestClient) => {
    const response = await read({ ...(as && { as, name: kind }), known, wait: 50, signal: aborted.signal });
    answered.push(kind);
    return response;
  };
  const strangers = Array.from({ length: 100 }, () => wait('stranger'));
  await vi.waitFor(async () => expect(await readMetric('status_list_anonymous_waiting')).toBe(100), 10_000);
  for (let request = 0; request < 3; request += 1) {
    const refused = await read({ known, wait: 50 });
    expect([refused.status, refused.headers.get('preference-applied')]).toEqual([304, null]);
    // it still gets what it does not know
    expect((await read({ known: '"0-0.0"', wait: 50 })).status).toBe(200);
  }
  const readers = Array.from({ length: 10 }, (_, index) => wait(`reader ${index}`, reader));
  await vi.waitFor(async () => expect(await readMetric('status_list_readers_waiting')).toBe(12), 10_000);

  // readers are answered first, although the strangers came before them
  await revokeToken();
  for (const response of await Promise.all([...readers, ...strangers]))
    expect([response.status, response.headers.get('preference-applied')]).toEqual([200, 'wait']);
  expect(answered.slice(0, 10).toSorted()).toEqual(readers.map((_, index) => `reader ${index}`));
  expect(answered).toHaveLength(110);
  await administration.send('DELETE', `/clients/${reader.id}`);
});

test('requests without authentication cause no database statement by the tags and lists that they name', async () => {
  const statements = system.countStatements();
  const count = async (request: (number: number) => Promise<Response>) => {
    const before = statements();
    for (let number = 0; number < 100; number += 1) await request(number);
    return statements() - before;
  };
  const known = await currentTag();
  // repeat if the read for revocations every two seconds came in between
  await vi.waitFor(
    async () => expect(await count((number) => read({ known: `"${number * 1e6}-9.9"` }))).toBe(0),
    10_000,
  );
  await vi.waitFor(async () => expect(await count(() => read({ known }))).toBe(0), 10_000);
  await vi.waitFor(async () => expect(await count(() => read({ path: '/0x1' }))).toBe(0), 10_000);
  // lists that may exist in another process share a read of the database
  const before = statements();
  const answers = await Promise.all(Array.from({ length: 200 }, (_, id) => read({ path: `/${id + 1000}` })));
  for (const { status } of answers) expect(status).toBe(404);
  expect(statements() - before).toBeLessThan(100);
});

test('while its address is limited, a reader that auth has not in memory authenticates with the correct secret', async () => {
  await using limited = await startSystem();
  const reader = await limited.registerClient({ resourceServer: 'http://reader.example' });
  const readAs = async (as: TestClient) => {
    const headers = { authorization: basicAuthorization(as) };
    return (await fetch(`${limited.issuer}/oauth/status-lists`, { headers })).status;
  };
  for (let index = 0; index < 100; index += 1)
    expect(await readAs({ id: `made-up-${index}`, secret: 'x'.repeat(43) })).toBe(401);
  expect(await readAs({ id: 'one-more', secret: 'x'.repeat(43) })).toBe(429);
  expect(await readAs(reader)).toBe(200);
});
