import { randomUUID } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Caller, startApi } from '../testing/start-api.ts';

// one API for all tests of this file; each test has its own subject
const LIMIT = 5_000;
let api: Awaited<ReturnType<typeof startApi>>;
beforeAll(async () => {
  api = await startApi({ pointsPerMinute: LIMIT });
});
afterAll(() => api[Symbol.asyncDispose]());

const LINE = '{"title":"a"}';

test('two imports of a subject can be unfinished, and a further one gets 429', async () => {
  const sub = randomUUID();
  const [call, other] = [await api.createCaller({ sub }), await api.createCaller()];
  const unfinished = [await beginImport(sub, 1_000), await beginImport(sub, 1_000)];
  await delay(200);
  const rejected = await importLines(call);
  expect(rejected).toMatchObject({
    status: 429,
    body: { code: 'too_many_concurrent_requests', limit: 2, unit: 'imports' },
  });
  expect(rejected.headers.get('retry-after')).toBe('1');
  // only further imports of the same subject are rejected
  expect((await call('POST', '/api/v1/todos', { title: 'a' })).status).toBe(201);
  expect((await importLines(other)).status).toBe(200);
  unfinished[0]?.destroy();
  await vi.waitFor(async () => expect((await importLines(call)).status).toBe(200), { timeout: 5_000 });
  unfinished[1]?.destroy();
});

test('an import that does not end costs the points of the bytes that have arrived', async () => {
  const sub = randomUUID();
  const call = await api.createCaller({ sub });
  const socket = await beginImport(sub, 1_000_000);
  socket.write(`${LINE.padEnd(399)}\n`.repeat(1_000));
  // 400,000 bytes, of which the last few may not be counted yet
  await vi.waitFor(async () => expect(await spent(call)).toBeGreaterThan(75), { timeout: 5_000, interval: 500 });
  socket.destroy();
});

test('a batch whose client disconnects costs the points of the bytes that had arrived', async () => {
  const sub = randomUUID();
  const call = await api.createCaller({ sub });
  const socket = await begin(sub, 'batch', 'application/json', 1_000_000);
  await new Promise((resolve) => socket.write(' '.repeat(400_000), resolve));
  await delay(200);
  socket.destroy();
  await vi.waitFor(async () => expect(await spent(call)).toBeGreaterThan(100), { timeout: 5_000, interval: 500 });
});

test('a subject without points is rejected before the end of its import', async () => {
  await using strict = await startApi({ pointsPerMinute: 100 });
  const sub = randomUUID();
  const call = await strict.createCaller({ sub });
  for (let request = 0; request < 60; request += 1) await call('GET', '/api/v1/todos?limit=1');
  const socket = await beginImport(sub, 1_000_000, strict);
  let answer = '';
  socket.on('data', (chunk) => {
    answer += chunk;
  });
  socket.write(`${LINE.padEnd(399)}\n`.repeat(1_000));
  await vi.waitFor(() => expect(answer).toMatch(/^HTTP\/1.1 429 .*"code":"rate_limited"/s), { timeout: 5_000 });
  socket.destroy();
  // a body that costs more than the whole limit is possible
  const fresh = await strict.createCaller();
  expect((await importLines(fresh, `${LINE.padEnd(399)}\n`.repeat(2_500))).status).toBe(200);
});

function beginImport(sub: string, length: number, at = api): Promise<Socket> {
  return begin(sub, 'import', 'application/jsonl', length, at);
}

/** Sends the head of a request, whose body the caller sends. */
async function begin(sub: string, path: string, type: string, length: number, at = api): Promise<Socket> {
  const token = await at.issueToken({ sub });
  const socket = connect(at.port, '127.0.0.1').on('error', () => {});
  socket.write(
    `POST /api/v1/todos/${path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${token}\r\n` +
      `content-type: ${type}\r\ncontent-length: ${length}\r\n\r\n`,
  );
  return socket;
}

function importLines(call: Caller, lines = LINE) {
  return call('POST', '/api/v1/todos/import', Buffer.from(lines), { 'content-type': 'application/jsonl' });
}

/** The points that a subject has used. */
async function spent(call: Caller): Promise<number> {
  const { headers } = await call('GET', '/api/v1/todos?limit=1');
  return LIMIT - Number(/r=(\d+)/.exec(headers.get('ratelimit') ?? '')?.[1]);
}
