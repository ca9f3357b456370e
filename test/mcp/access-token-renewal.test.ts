import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import * as z from 'zod';
import { tools } from '../../mcp/tools/index.ts';
import { serve } from '../../shared/http/serve.ts';
import { startLoopbackProxy } from '../../shared/testing/loopback-proxy.ts';
import { listTodos } from '../support/list-todos.ts';
import { connectOverHttp, connectOverStdio, type McpClient } from '../support/mcp-client.ts';
import { postAsClient } from '../support/post-as-client.ts';
import { type System, startSystem, type TestClient } from '../support/start-system.ts';

// Access tokens that many calls share, and that expire or are revoked between the calls.

let system: System;
beforeAll(async () => {
  system = await startSystem();
});
afterAll(() => system[Symbol.asyncDispose]());

/** Starts proxies in front of the token endpoint and the API, which record the requests of a stdio process. */
async function observe(of: System) {
  const seen = { tokenRequests: 0, accessTokens: new Set<string>(), apiStatuses: [] as number[] };
  const resources = new AsyncDisposableStack();
  const auth = resources.use(
    await startLoopbackProxy({
      target: () => of.issuer,
      rewriteHeaders(headers) {
        seen.tokenRequests += 1;
        return headers;
      },
    }),
  );
  const api = resources.use(
    await startLoopbackProxy({
      target: () => of.apiResource,
      rewriteHeaders(headers) {
        if (headers.authorization !== undefined) seen.accessTokens.add(headers.authorization.replace('Bearer ', ''));
        return headers;
      },
      onStatus: (status) => seen.apiStatuses.push(status),
    }),
  );
  const apiResource = `${api.origin}${new URL(of.apiResource).pathname}`;
  return {
    seen,
    apiResource,
    rejections: () => seen.apiStatuses.filter((status) => status === 401).length,
    connect: (client: TestClient) =>
      connectOverStdio({ apiResource }, client, {
        OAUTH_TOKEN_URL: `${auth.origin}/oauth/token`,
      }),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

/** Connects over HTTP, and records the statuses of the MCP server's responses after initialization. */
async function observeHttp(of: System, client: TestClient) {
  const seen = { statuses: [] as number[], accessToken: '' };
  const connected = await connectOverHttp(of, client, {
    async fetch(input, init) {
      const response = await fetch(input, init);
      if (String(input) === of.mcpResource) {
        seen.statuses.push(response.status);
        seen.accessToken = new Headers(init?.headers).get('authorization')?.replace('Bearer ', '') ?? '';
      }
      return response;
    },
  });
  // after initialization the client requests a stream, which the server does not offer
  await vi.waitFor(() => expect(seen.statuses).toContain(405), 10_000);
  seen.statuses.length = 0;
  return Object.assign(connected, {
    accessToken: () => seen.accessToken,
    rejections: () => seen.statuses.filter((status) => status === 401).length,
  });
}

async function write(client: McpClient, title: string): Promise<void> {
  const result = await client.callTool({ name: 'create_todo', arguments: { title } });
  expect(result, title).toMatchObject({ structuredContent: { title } });
}

async function titlesOf(of: System, client: TestClient): Promise<string[]> {
  return (await listTodos(of, client)).map(({ title }) => title).sort();
}

const createTitles = (count: number) =>
  Array.from({ length: count }, (_, index) => `Todo ${String(index).padStart(3, '0')}`);

async function revoke(accessToken: string, client: TestClient): Promise<void> {
  const response = await postAsClient(`${system.issuer}/oauth/revoke`, client, { token: accessToken });
  expect(response.status).toBe(200);
}

async function waitUntilRejected(url: string, accessToken: string): Promise<void> {
  await vi.waitFor(
    async () => {
      const response = await fetch(url, { headers: { authorization: `Bearer ${accessToken}` } });
      expect(response.status).toBe(401);
    },
    { timeout: 10_000, interval: 5 },
  );
}

test('100 parallel calls through one stdio process fetch one access token', async () => {
  const credentials = await system.registerClient();
  await using observed = await observe(system);
  await using client = await observed.connect(credentials);
  const titles = createTitles(100);
  const [listed] = await Promise.all([client.listTools(), ...titles.map((title) => write(client, title))]);
  expect(listed.tools).toHaveLength(tools.length);
  expect({ tokenRequests: observed.seen.tokenRequests, accessTokens: observed.seen.accessTokens.size }).toEqual({
    tokenRequests: 1,
    accessTokens: 1,
  });
  expect(await titlesOf(system, credentials)).toEqual(titles);
});

test('over stdio an access token that is revoked between calls costs one 401, and each write happens once', async () => {
  const credentials = await system.registerClient();
  await using observed = await observe(system);
  await using client = await observed.connect(credentials);
  const titles = createTitles(10);
  for (const title of titles) {
    if (title === titles[5]) {
      const [accessToken = ''] = observed.seen.accessTokens;
      await revoke(accessToken, credentials);
      await waitUntilRejected(`${system.apiResource}/todos`, accessToken);
    }
    await write(client, title);
  }
  expect({ rejections: observed.rejections(), tokenRequests: observed.seen.tokenRequests }).toEqual({
    rejections: 1,
    tokenRequests: 2,
  });
  expect(await titlesOf(system, credentials)).toEqual(titles);
});

test('over stdio each of the parallel writes gets at most one 401 when the access token is revoked, and happens once', async () => {
  const credentials = await system.registerClient();
  await using observed = await observe(system);
  await using client = await observed.connect(credentials);
  const titles = createTitles(160);
  const left = [...titles];
  let revoking: Promise<void> | undefined;
  const WRITERS = 8;
  const keepWriting = async () => {
    for (let title = left.shift(); title !== undefined; title = left.shift()) {
      await write(client, title);
      const [accessToken = ''] = observed.seen.accessTokens;
      if (left.length < 130) revoking ??= revoke(accessToken, credentials);
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, keepWriting));
  await revoking;
  expect(observed.rejections()).toBeGreaterThanOrEqual(1);
  expect(observed.rejections()).toBeLessThanOrEqual(WRITERS);
  expect(observed.seen.tokenRequests).toBe(2);
  expect(await titlesOf(system, credentials)).toEqual(titles);
});

test('over HTTP a revoked access token costs its client one 401, and the writes of other clients none', async () => {
  const credentials = await system.registerClient();
  const titles = createTitles(120);
  const left = [...titles];
  await using revoked = await observeHttp(system, credentials);
  await using second = await observeHttp(system, credentials);
  await using third = await observeHttp(system, credentials);
  const written = { before: 0, after: 0 };
  let isRevoked = false;
  const keepWriting = async (client: McpClient) => {
    for (let title = left.shift(); title !== undefined; title = left.shift()) await write(client, title);
  };
  const writeWhileRevoked = async () => {
    for (let title = left.shift(); title !== undefined; title = left.shift()) {
      await write(revoked, title);
      written[isRevoked ? 'after' : 'before'] += 1;
      if (written.before === 5 && !isRevoked) {
        const accessToken = revoked.accessToken();
        await revoke(accessToken, credentials);
        await waitUntilRejected(system.mcpResource, accessToken);
        isRevoked = true;
      }
    }
  };
  await Promise.all([writeWhileRevoked(), keepWriting(second), keepWriting(third)]);
  expect(written.before).toBe(5);
  expect(written.after).toBeGreaterThan(0);
  expect([revoked, second, third].map(({ rejections }) => rejections())).toEqual([1, 0, 0]);
  expect(await titlesOf(system, credentials)).toEqual(titles);
});

test('over HTTP a batch that reports progress also gets a 401, so that the client renews its access token', async () => {
  const credentials = await system.registerClient();
  await using client = await observeHttp(system, credentials);
  await write(client, 'before');
  const accessToken = client.accessToken();
  await revoke(accessToken, credentials);
  await waitUntilRejected(system.mcpResource, accessToken);
  const reported: number[] = [];
  const operations = [{ op: 'create', title: 'in a batch' }];
  const onprogress = ({ progress }: { progress: number }) => reported.push(progress);
  expect(
    await client.callTool({ name: 'batch_todos', arguments: { operations } }, undefined, { onprogress }),
  ).toMatchObject({ structuredContent: { results: [{ op: 'create' }] } });
  expect({ first: reported[0], rejections: client.rejections() }).toEqual({ first: 0, rejections: 1 });
  expect(await titlesOf(system, credentials)).toEqual(['before', 'in a batch']);
});

/** Starts a token endpoint that claims a lifetime of an hour for each access token. */
async function startOverstatingTokenEndpoint(issuer: string) {
  return serve(
    async (incoming, outgoing) => {
      const { authorization = '', 'content-type': type = '' } = incoming.headers;
      const response = await fetch(`${issuer}/oauth/token`, {
        method: 'POST',
        headers: { authorization, 'content-type': type },
        body: await text(incoming),
      });
      const issued = z.looseObject({}).parse(await response.json());
      outgoing.writeHead(response.status, { 'content-type': 'application/json' });
      outgoing.end(JSON.stringify({ ...issued, expires_in: 3600 }));
    },
    { port: 0, host: '127.0.0.1', drainFor: 0 },
  );
}

test('an access token that expires between calls costs one 401, or none if its expiry is known, and each write happens once', {
  timeout: 60_000,
  // on a machine that pauses for seconds one more access token expires
  retry: 1,
}, async () => {
  await using short = await startSystem({ ACCESS_TOKEN_TTL: '10' });
  await using overstating = await startOverstatingTokenEndpoint(short.issuer);
  const [one, other, credentialsWithExpiry, credentialsWithoutExpiry] = [
    await short.registerClient(),
    await short.registerClient(),
    await short.registerClient(),
    await short.registerClient(),
  ];
  await using observed = await observe(short);
  await using clientWithExpiry = await observed.connect(credentialsWithExpiry);
  await using observedWithoutExpiry = await observe(short);
  // this process gets a wrong expiry, so that it learns from a 401 that its access token has expired
  await using clientWithoutExpiry = await connectOverStdio(
    { apiResource: observedWithoutExpiry.apiResource },
    credentialsWithoutExpiry,
    {
      OAUTH_TOKEN_URL: `http://127.0.0.1:${overstating.port}/oauth/token`,
    },
  );
  await using first = await observeHttp(short, one);
  await using second = await observeHttp(short, other);
  // the lifetime of ten seconds, the clock tolerance, and a margin
  const end = Date.now() + 18_000;
  const keepWriting = async (client: McpClient, credentials: TestClient) => {
    const titles: string[] = [];
    while (Date.now() < end) {
      const title = createTitles(titles.length + 1).at(-1) ?? '';
      await write(client, title);
      titles.push(title);
      await delay(150);
    }
    return { expected: titles, found: await titlesOf(short, credentials) };
  };
  const all = await Promise.all([
    keepWriting(first, one),
    keepWriting(second, other),
    keepWriting(clientWithExpiry, credentialsWithExpiry),
    keepWriting(clientWithoutExpiry, credentialsWithoutExpiry),
  ]);
  for (const { expected, found } of all) {
    expect(expected.length).toBeGreaterThan(20);
    expect(found).toEqual(expected);
  }
  expect([first.rejections(), second.rejections(), observed.rejections(), observedWithoutExpiry.rejections()]).toEqual([
    1, 1, 0, 1,
  ]);
  // each access token was renewed after half its lifetime
  expect(observed.seen.tokenRequests).toBeGreaterThanOrEqual(3);
  expect(observed.seen.tokenRequests).toBeLessThanOrEqual(4);
});
