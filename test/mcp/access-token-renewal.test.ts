import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import * as z from 'zod';
import { serve } from '../../shared/http/serve.ts';
import { startLoopbackProxy } from '../../shared/testing/loopback-proxy.ts';
import { listTodos } from '../support/list-todos.ts';
import { connectOverHttp, connectOverStdio, type McpClient } from '../support/mcp-client.ts';
import { postAsClient } from '../support/post-as-client.ts';
import { type System, startSystem, type TestClient } from '../support/start-system.ts';

// Access tokens that many calls share, and that end in the middle.

let system: System;
beforeAll(async () => {
  system = await startSystem();
});
afterAll(() => system[Symbol.asyncDispose]());

/** Proxies in front of the token endpoint and the API, that see what a stdio process sends. */
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
    refusals: () => seen.apiStatuses.filter((status) => status === 401).length,
    connect: (client: TestClient) =>
      connectOverStdio({ apiResource }, client, {
        OAUTH_TOKEN_URL: `${auth.origin}/oauth/token`,
      }),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

/** Connects over HTTP, and sees what the MCP server answers from then on. */
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
  // the stream that it asks for after it was initialized, and is not given
  await vi.waitFor(() => expect(seen.statuses).toContain(405), 10_000);
  seen.statuses.length = 0;
  return Object.assign(connected, {
    accessToken: () => seen.accessToken,
    refusals: () => seen.statuses.filter((status) => status === 401).length,
  });
}

async function write(client: McpClient, title: string): Promise<void> {
  const result = await client.callTool({ name: 'create_todo', arguments: { title } });
  expect(result, title).toMatchObject({ structuredContent: { title } });
}

async function titlesOf(of: System, client: TestClient): Promise<string[]> {
  return (await listTodos(of, client)).map(({ title }) => title).sort();
}

const numbers = (count: number) =>
  Array.from({ length: count }, (_, index) => `Todo ${String(index).padStart(3, '0')}`);

async function revoke(accessToken: string, client: TestClient): Promise<void> {
  const response = await postAsClient(`${system.issuer}/oauth/revoke`, client, { token: accessToken });
  expect(response.status).toBe(200);
}

async function waitUntilRefused(url: string, accessToken: string): Promise<void> {
  await vi.waitFor(
    async () => {
      const response = await fetch(url, { headers: { authorization: `Bearer ${accessToken}` } });
      expect(response.status).toBe(401);
    },
    { timeout: 10_000, interval: 5 },
  );
}

test('200 parallel calls through one stdio process fetch one access token', async () => {
  const credentials = await system.registerClient();
  await using watch = await observe(system);
  await using client = await watch.connect(credentials);
  const titles = numbers(200);
  const [{ tools }] = await Promise.all([client.listTools(), ...titles.map((title) => write(client, title))]);
  expect(tools).toHaveLength(8);
  expect({ tokenRequests: watch.seen.tokenRequests, accessTokens: watch.seen.accessTokens.size }).toEqual({
    tokenRequests: 1,
    accessTokens: 1,
  });
  expect(await titlesOf(system, credentials)).toEqual(titles);
});

test('over stdio an access token that is revoked in the middle costs one 401, and every write is done once', async () => {
  const credentials = await system.registerClient();
  await using watch = await observe(system);
  await using client = await watch.connect(credentials);
  const titles = numbers(10);
  for (const title of titles) {
    if (title === titles[5]) {
      const [accessToken = ''] = watch.seen.accessTokens;
      await revoke(accessToken, credentials);
      await waitUntilRefused(`${system.apiResource}/todos`, accessToken);
    }
    await write(client, title);
  }
  expect({ refusals: watch.refusals(), tokenRequests: watch.seen.tokenRequests }).toEqual({
    refusals: 1,
    tokenRequests: 2,
  });
  expect(await titlesOf(system, credentials)).toEqual(titles);
});

test('over stdio parallel writes while their access token is revoked cost one 401 each at the most, and are done once', async () => {
  const credentials = await system.registerClient();
  await using watch = await observe(system);
  await using client = await watch.connect(credentials);
  const titles = numbers(160);
  const left = [...titles];
  let revoking: Promise<void> | undefined;
  const WRITERS = 8;
  const writeOn = async () => {
    for (let title = left.shift(); title !== undefined; title = left.shift()) {
      await write(client, title);
      const [accessToken = ''] = watch.seen.accessTokens;
      if (left.length < 130) revoking ??= revoke(accessToken, credentials);
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, writeOn));
  await revoking;
  expect(watch.refusals()).toBeGreaterThanOrEqual(1);
  expect(watch.refusals()).toBeLessThanOrEqual(WRITERS);
  expect(watch.seen.tokenRequests).toBe(2);
  expect(await titlesOf(system, credentials)).toEqual(titles);
});

test('over HTTP an access token that is revoked in the middle costs one 401, while others write on without any', async () => {
  const credentials = await system.registerClient();
  const titles = numbers(120);
  const left = [...titles];
  await using revoked = await observeHttp(system, credentials);
  await using second = await observeHttp(system, credentials);
  await using third = await observeHttp(system, credentials);
  const written = { before: 0, after: 0 };
  let isRevoked = false;
  const writeOn = async (client: McpClient) => {
    for (let title = left.shift(); title !== undefined; title = left.shift()) await write(client, title);
  };
  const writeAndBeRevoked = async () => {
    for (let title = left.shift(); title !== undefined; title = left.shift()) {
      await write(revoked, title);
      written[isRevoked ? 'after' : 'before'] += 1;
      if (written.before === 5 && !isRevoked) {
        const accessToken = revoked.accessToken();
        await revoke(accessToken, credentials);
        await waitUntilRefused(system.mcpResource, accessToken);
        isRevoked = true;
      }
    }
  };
  await Promise.all([writeAndBeRevoked(), writeOn(second), writeOn(third)]);
  expect(written.before).toBe(5);
  expect(written.after).toBeGreaterThan(0);
  expect([revoked, second, third].map(({ refusals }) => refusals())).toEqual([1, 0, 0]);
  expect(await titlesOf(system, credentials)).toEqual(titles);
});

test('over HTTP a batch that tells its progress is renewed for by a 401 as well', async () => {
  const credentials = await system.registerClient();
  await using client = await observeHttp(system, credentials);
  await write(client, 'before');
  const accessToken = client.accessToken();
  await revoke(accessToken, credentials);
  await waitUntilRefused(system.mcpResource, accessToken);
  const told: number[] = [];
  const operations = [{ op: 'create', title: 'in a batch' }];
  const onprogress = ({ progress }: { progress: number }) => told.push(progress);
  expect(
    await client.callTool({ name: 'batch_todos', arguments: { operations } }, undefined, { onprogress }),
  ).toMatchObject({ structuredContent: { results: [{ op: 'create' }] } });
  expect({ first: told[0], refusals: client.refusals() }).toEqual({ first: 0, refusals: 1 });
  expect(await titlesOf(system, credentials)).toEqual(['before', 'in a batch']);
});

/** A token endpoint that says of each access token that it lives for an hour. */
async function startBoastfulTokenEndpoint(issuer: string) {
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

test('an access token that expires in the middle costs one 401, or none where its end is known, and every write is done once', {
  timeout: 60_000,
  // a machine that pauses for seconds sees one token more end
  retry: 1,
}, async () => {
  await using short = await startSystem({ ACCESS_TOKEN_TTL: '10' });
  await using boastful = await startBoastfulTokenEndpoint(short.issuer);
  const [one, other, foreseen, unforeseen] = [
    await short.registerClient(),
    await short.registerClient(),
    await short.registerClient(),
    await short.registerClient(),
  ];
  await using watch = await observe(short);
  await using foreseeing = await watch.connect(foreseen);
  await using watchUnforeseen = await observe(short);
  // the API behind its proxy, and a token endpoint that promises too much
  await using surprised = await connectOverStdio({ apiResource: watchUnforeseen.apiResource }, unforeseen, {
    OAUTH_TOKEN_URL: `http://127.0.0.1:${boastful.port}/oauth/token`,
  });
  await using first = await observeHttp(short, one);
  await using second = await observeHttp(short, other);
  // its ten seconds, the tolerance for clocks, and some more
  const end = Date.now() + 18_000;
  const writeOn = async (client: McpClient, credentials: TestClient) => {
    const titles: string[] = [];
    while (Date.now() < end) {
      const title = numbers(titles.length + 1).at(-1) ?? '';
      await write(client, title);
      titles.push(title);
      await delay(150);
    }
    return { expected: titles, found: await titlesOf(short, credentials) };
  };
  const all = await Promise.all([
    writeOn(first, one),
    writeOn(second, other),
    writeOn(foreseeing, foreseen),
    writeOn(surprised, unforeseen),
  ]);
  for (const { expected, found } of all) {
    expect(expected.length).toBeGreaterThan(20);
    expect(found).toEqual(expected);
  }
  expect([first.refusals(), second.refusals(), watch.refusals(), watchUnforeseen.refusals()]).toEqual([1, 1, 0, 1]);
  // it was renewed after half its life, each time
  expect(watch.seen.tokenRequests).toBeGreaterThanOrEqual(3);
  expect(watch.seen.tokenRequests).toBeLessThanOrEqual(4);
});
