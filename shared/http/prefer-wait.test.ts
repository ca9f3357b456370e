import Koa, { type Context } from 'koa';
import { expect, test, vi } from 'vitest';
import { createWaiting, type WaitGroup } from './prefer-wait.ts';
import { serve } from './serve.ts';

/** Serves requests that wait until `open` is called; the path is the name of the group, whose limit is 2. */
async function start() {
  const waiting = createWaiting();
  let isOpen = false;
  const app = new Koa();
  app.use(async (ctx) => {
    const group: WaitGroup | undefined = ctx.path === '/' ? undefined : { name: ctx.path, limit: 2 };
    await waiting.waitUntil(() => isOpen, ctx, group);
    ctx.body = isOpen ? 'changed' : 'unchanged';
  });
  const server = await serve(app.callback(), { port: 0, host: '127.0.0.1' });
  return {
    waiting,
    async get(path: string, { signal }: { signal?: AbortSignal } = {}) {
      const init = { headers: { prefer: 'wait=30' }, ...(signal && { signal }) };
      const response = await fetch(`http://127.0.0.1:${server.port}${path}`, init);
      return { body: await response.text(), applied: response.headers.get('preference-applied') };
    },
    open() {
      isOpen = true;
      waiting.wake();
    },
    async [Symbol.asyncDispose]() {
      waiting.end();
      await server[Symbol.asyncDispose]();
    },
  };
}

test('a request beyond the limit of its group is answered at once, and says so', async () => {
  await using server = await start();
  const first = [server.get('/a'), server.get('/a')];
  await vi.waitFor(() => expect(server.waiting.count('/a')).toBe(2));
  expect(await server.get('/a')).toEqual({ body: 'unchanged', applied: null });
  // other groups, and requests without a group, still wait
  const others = [server.get('/b'), ...Array.from({ length: 5 }, () => server.get('/'))];
  await vi.waitFor(() => expect(server.waiting.count()).toBe(8));
  expect([server.waiting.count('/a'), server.waiting.count('/b')]).toEqual([2, 1]);
  server.open();
  for (const answer of await Promise.all([...first, ...others]))
    expect(answer).toEqual({ body: 'changed', applied: 'wait' });
  expect([server.waiting.count(), server.waiting.count('/a')]).toEqual([0, 0]);
});

test('a request beyond the limit of its group waits as long as the group says, or as long as it prefers', async () => {
  const waiting = createWaiting();
  const group = { name: 'a', limit: 0, surplusWaitMs: 300 };
  const measure = async (preference: string) => {
    const start = performance.now();
    const ctx = { get: () => preference, set: () => expect.unreachable('Preference-Applied'), res: {} };
    await waiting.waitUntil(() => false, ctx as unknown as Context, group);
    return performance.now() - start;
  };
  expect(await measure('wait=20')).toBeGreaterThanOrEqual(290);
  expect(await measure('wait=0')).toBeLessThan(290);
  waiting.end();
  expect(await measure('wait=20')).toBeLessThan(290);
});

test('a request whose client disconnects makes room for another one of its group', async () => {
  await using server = await start();
  const aborted = new AbortController();
  const left = server.get('/a', aborted).catch(() => 'disconnected');
  const stayed = server.get('/a');
  await vi.waitFor(() => expect(server.waiting.count('/a')).toBe(2));
  aborted.abort();
  expect(await left).toBe('disconnected');
  await vi.waitFor(() => expect(server.waiting.count('/a')).toBe(1));
  const next = server.get('/a');
  await vi.waitFor(() => expect(server.waiting.count('/a')).toBe(2));
  server.open();
  expect(await Promise.all([stayed, next])).toEqual(Array(2).fill({ body: 'changed', applied: 'wait' }));
});
