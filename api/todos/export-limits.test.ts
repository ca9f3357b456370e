import { randomUUID } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { startApi } from '../testing/start-api.ts';

type Api = Awaited<ReturnType<typeof startApi>>;

test('two exports of a subject can be unfinished, and a further one gets 429', async () => {
  await using api = await startApi();
  const sub = randomUUID();
  const [call, other] = [await api.createCaller({ sub }), await api.createCaller()];
  // more than the buffers of the operating system take
  await addTodos(api, sub, { todos: 1_000, description: '東 '.repeat(5_000) });
  const unfinished = [await beginExport(api, sub), await beginExport(api, sub)];
  await delay(500);
  const rejected = await call('GET', '/api/v1/todos/export');
  expect(rejected).toMatchObject({
    status: 429,
    body: { code: 'too_many_concurrent_requests', limit: 2, unit: 'exports' },
  });
  expect((await call('GET', '/api/v1/todos?limit=1')).status).toBe(200);
  expect((await other('GET', '/api/v1/todos/export')).status).toBe(200);
  for (const socket of unfinished) socket.destroy();
  await vi.waitFor(async () => expect((await call('GET', '/api/v1/todos/export')).status).toBe(200), {
    timeout: 10_000,
  });
});

test('an export breaks off when its subject has no points left', async () => {
  await using api = await startApi({ pointsPerMinute: 20 });
  const sub = randomUUID();
  const call = await api.createCaller({ sub });
  await addTodos(api, sub, { todos: 3_000, description: '' });
  // 15 points for as many pages: then 5 are left
  expect(String((await call('GET', '/api/v1/todos/export')).body).split('\n')).toHaveLength(3_001);
  await expect(call('GET', '/api/v1/todos/export')).rejects.toThrow();
  expect(await call('GET', '/api/v1/todos')).toMatchObject({ status: 429, body: { code: 'rate_limited' } });
});

/** Requests an export and does not read it. */
async function beginExport(api: Api, sub: string): Promise<Socket> {
  const token = await api.issueToken({ sub });
  const socket = connect(api.port, '127.0.0.1').on('error', () => {});
  socket.write(`GET /api/v1/todos/export HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${token}\r\n\r\n`);
  return socket;
}

async function addTodos(api: Api, sub: string, { todos, description }: { todos: number; description: string }) {
  await api.em.fork().execute(
    `insert into api.todo (id, owner, title, description, completed, priority, tags, position, version, created_at, updated_at, words)
       select gen_random_uuid(), ?, 'todo ' || i, ?, false, 4, '{}', i, 1, now(), now(), ''
         from generate_series(1, ?) i`,
    [sub, description, todos],
  );
}
