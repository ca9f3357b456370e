import { Resolver } from 'node:dns/promises';
import { expect, test, vi } from 'vitest';
import { serve } from '../../shared/http/serve.ts';
import { getFreePort } from '../../shared/testing/free-port.ts';
import { answer, openNameServer } from './name-server.ts';

/** Two instances of a service on loopback addresses of their own, and the name server that looks at them. */
async function open() {
  await using opening = new AsyncDisposableStack();
  const port = await getFreePort();
  const ready = new Set(['127.0.8.1', '127.0.8.2']);
  const instances = [...ready, '127.0.8.3'];
  for (const host of ['127.0.8.1', '127.0.8.2'])
    opening.use(
      await serve((_request, response) => void response.writeHead(ready.has(host) ? 200 : 503).end(), { port, host }),
    );
  const changes: object[] = [];
  const server = opening.use(
    await openNameServer({
      services: [{ name: 'auth', port }],
      resolve: async () => instances,
      log: (fields) => changes.push(fields),
    }),
  );
  const resolver = new Resolver({ timeout: 1_000, tries: 1 });
  resolver.setServers([`127.0.0.1:${server.port}`]);
  const opened = opening.move();
  return { ready, instances, changes, resolver, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

test('a name has the addresses of the instances that are ready', async () => {
  await using opened = await open();
  const resolve = async () => (await opened.resolver.resolve4('auth')).toSorted();
  // nothing answers at the third one
  expect(await resolve()).toEqual(['127.0.8.1', '127.0.8.2']);
  opened.ready.delete('127.0.8.1');
  await vi.waitFor(async () => expect(await resolve()).toEqual(['127.0.8.2']), { timeout: 5_000, interval: 100 });
  opened.ready.add('127.0.8.1');
  await vi.waitFor(async () => expect(await resolve()).toHaveLength(2), { timeout: 5_000, interval: 100 });
  expect(opened.changes).toHaveLength(3);
});

test('when no instance is ready, the name has all of them, and their own responses say why', async () => {
  await using opened = await open();
  opened.ready.clear();
  await vi.waitFor(async () => expect(await opened.resolver.resolve4('auth')).toHaveLength(3), {
    timeout: 5_000,
    interval: 100,
  });
  expect(opened.changes.at(-1)).toEqual({
    event: 'instances.changed',
    service: 'auth',
    addresses: opened.instances,
    ready: 0,
  });
});

test('another name is refused, and a name has no addresses of another kind', async () => {
  await using opened = await open();
  await expect(opened.resolver.resolve4('other')).rejects.toMatchObject({ code: 'EREFUSED' });
  await expect(opened.resolver.resolve6('auth')).rejects.toMatchObject({ code: 'ENODATA' });
});

const QUERY = Buffer.from('1234010000010000000000000461757468000001' + '0001', 'hex');

test.each([
  ['is a response', Buffer.from(QUERY.toString('hex').replace('12340100', '12348100'), 'hex')],
  ['has no header', QUERY.subarray(0, 11)],
])('a message that %s is not answered', (_, query) => {
  expect(answer(query, () => ['10.0.0.1'])).toBeUndefined();
});

test.each([
  ['is cut', QUERY.subarray(0, -1)],
  ['has no end', QUERY.subarray(0, 17)],
  ['has a pointer as its name', Buffer.from(`${QUERY.toString('hex').slice(0, 24)}c00c00010001`, 'hex')],
  ['has two questions', Buffer.from(QUERY.toString('hex').replace('01000001', '01000002'), 'hex')],
])('a query that %s is refused', (_, query) => {
  const response = answer(query, () => ['10.0.0.1']);
  expect([response?.readUInt16BE(0), (response?.readUInt16BE(2) ?? 0) & 15]).toEqual([0x1234, 5]);
  expect(response).toHaveLength(12);
});

test('a query is answered in the bytes that RFC 1035 says', () => {
  expect(answer(QUERY, (name) => (name === 'auth' ? ['10.0.0.1'] : undefined))?.toString('hex')).toBe(
    `${'123485000001000100000000'}${'0461757468000001' + '0001'}${'c00c000100010000000000040a000001'}`,
  );
});
