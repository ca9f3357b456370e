import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { type ConnectionLimits, DEFAULT_CONNECTION_LIMITS, limitConnections } from './connection-limits.ts';
import { serve } from './serve.ts';

async function startServer(handler: RequestListener, limits: Partial<ConnectionLimits>) {
  const rejections: string[] = [];
  const server = await serve(handler, {
    port: 0,
    host: '127.0.0.1',
    drainFor: 0,
    limits,
    onConnectionRejected: (reason, address) => rejections.push(`${reason} ${address}`),
  });
  const sockets: Socket[] = [];
  return {
    rejections,
    async connect() {
      const socket = connect(server.port, '127.0.0.1');
      socket.on('error', () => undefined);
      sockets.push(socket);
      await once(socket, 'connect');
      return socket;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await server[Symbol.asyncDispose]();
    },
  };
}

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

test('a client that pipelines too many requests is disconnected before one of them is handled', async () => {
  const handler = vi.fn();
  await using server = await startServer(handler, { maxUnansweredRequests: 3 });
  const socket = await server.connect();
  socket.write(GET.repeat(6));
  await once(socket, 'close');
  expect(handler).not.toHaveBeenCalled();
  expect(server.rejections).toEqual(['pipelining 127.0.0.1']);
});

test('the requests behind the one that exceeds the limit are not parsed', async () => {
  const server = createServer();
  limitConnections(server, () => undefined, DEFAULT_CONNECTION_LIMITS);
  const listener = vi.fn(() => undefined);
  server.on('request', listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  await using _closing = { [Symbol.asyncDispose]: async () => void server.close() };
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write(GET.repeat(1_000));
  await once(socket, 'close');
  expect(listener).toHaveBeenCalledTimes(DEFAULT_CONNECTION_LIMITS.maxUnansweredRequests);
});

test('a client that pipelines too many requests while one is handled is disconnected', async () => {
  const handler = vi.fn();
  await using server = await startServer(handler, { maxUnansweredRequests: 3 });
  const socket = await server.connect();
  socket.write(GET);
  await expect.poll(() => handler.mock.calls.length).toBe(1);
  socket.write(GET.repeat(3));
  await once(socket, 'close');
  expect(handler).toHaveBeenCalledTimes(1);
});

test('pipelined requests are handled one after another, also those with a body', async () => {
  const handled: string[] = [];
  await using server = await startServer(
    ({ url = '' }, response) => {
      handled.push(`${url} begins`);
      setTimeout(() => {
        handled.push(`${url} ends`);
        response.end(url);
      }, 10);
    },
    { maxUnansweredRequests: 3 },
  );
  const socket = await server.connect();
  socket.write('POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody');
  socket.write('GET /b HTTP/1.1\r\nHost: a\r\n\r\n');
  await expect.poll(() => handled).toEqual(['/a begins', '/a ends', '/b begins', '/b ends']);
});

test('a client may pipeline as many requests as the limit, and again after they are answered', async () => {
  await using server = await startServer((_request, response) => void setImmediate(() => response.end('a')), {
    maxUnansweredRequests: 3,
  });
  const socket = await server.connect();
  let received = '';
  socket.on('data', (chunk) => {
    received += chunk;
  });
  for (const answered of [3, 6, 9]) {
    socket.write(GET.repeat(3));
    await expect.poll(() => received.match(/200 OK/g)?.length).toBe(answered);
  }
  expect(socket.destroyed).toBe(false);
});

test('a response that the client does not read is ended, and a waiting request is not', async () => {
  const ended = vi.fn();
  await using server = await startServer(
    ({ url }, response) => {
      response.once('close', () => ended(url));
      if (url === '/large') response.end(Buffer.alloc(20_000_000));
      else setTimeout(() => response.end('waited'), 1_000);
    },
    { stallTimeout: 100 },
  );
  const unread = await server.connect();
  unread.pause();
  unread.write('GET /large HTTP/1.1\r\nHost: a\r\n\r\n');
  const waiting = await server.connect();
  waiting.write('GET /wait HTTP/1.1\r\nHost: a\r\n\r\n');
  const [answer] = await once(waiting, 'data');
  expect(String(answer)).toContain('waited');
  expect(ended.mock.calls).toEqual([['/large'], ['/wait']]);
  expect(server.rejections).toEqual(['stalled 127.0.0.1']);
});

test('at the limit the oldest idle connection is closed, and a connection with a request is not', async () => {
  const { promise: mayAnswer, resolve: answer } = Promise.withResolvers<void>();
  await using server = await startServer(async (_request, response) => void mayAnswer.then(() => response.end('a')), {
    maxConnections: 2,
    isTrustedProxy: () => true,
  });
  const busy = await server.connect();
  busy.write(GET);
  const idle = await server.connect();
  const closed = once(idle, 'close');
  const next = await server.connect();
  await closed;
  next.write(GET);
  const rejected = await server.connect();
  await once(rejected, 'close');
  expect(server.rejections).toEqual(['limit 127.0.0.1', 'limit 127.0.0.1']);
  answer();
  await Promise.all([once(busy, 'data'), once(next, 'data')]);
});

test('one address has a quarter of the connections, and a trusted proxy has all', async () => {
  await using limited = await startServer(() => {}, { maxConnections: 8 });
  const sockets = [await limited.connect(), await limited.connect(), await limited.connect()];
  await once(sockets[0] as Socket, 'close');
  expect(sockets.slice(1).every((socket) => !socket.destroyed)).toBe(true);
  expect(limited.rejections).toEqual(['address_limit 127.0.0.1']);

  await using trusting = await startServer(() => {}, { maxConnections: 8, isTrustedProxy: () => true });
  const all = await Promise.all(Array.from({ length: 8 }, () => trusting.connect()));
  await delay(50);
  expect(all.every((socket) => !socket.destroyed)).toBe(true);
});

test.each([
  ['without a request', ''],
  ['with a part of a header section', 'GET / HTTP/1.1\r\nHost: a'],
])('a new connection %s is closed when the time for the header section is over', async (_, text) => {
  await using server = await startServer(() => {}, { headersTimeout: 100 });
  const socket = await server.connect();
  socket.write(text);
  const [answer] = await once(socket, 'data');
  expect(String(answer)).toMatch(/^HTTP\/1\.1 408 /);
  await once(socket, 'close');
});

test('the time for the header section does not end a connection that has had a response', async () => {
  await using server = await startServer((_request, response) => void response.end('a'), { headersTimeout: 100 });
  const socket = await server.connect();
  socket.write(GET);
  await once(socket, 'data');
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  socket.write(GET);
  await once(socket, 'data');
});

test('an idle connection stays open for the keep-alive time, and is closed afterwards', async () => {
  await using server = await startServer((_request, response) => void response.end('a'), {
    keepAlive: 300,
    stallTimeout: 100,
  });
  const socket = await server.connect();
  socket.write(GET);
  await once(socket, 'data');
  await delay(200);
  socket.write(GET);
  await once(socket, 'data');
  await once(socket, 'close');
  expect(server.rejections).toEqual([]);
});

test.each([
  ['an unknown expectation', 'GET / HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n', '417 Expectation Failed'],
  ['no Host header', 'GET / HTTP/1.1\r\n\r\n', '400 Bad Request'],
])('requests with %s are rejected, and counted like others', async (_name, request, status) => {
  const handler = vi.fn();
  await using server = await startServer(handler, { maxUnansweredRequests: 3 });
  const one = await server.connect();
  one.write(request);
  const [response] = await once(one, 'data');
  expect(String(response)).toContain(`HTTP/1.1 ${status}`);

  const many = await server.connect();
  let received = '';
  many.on('data', (chunk) => {
    received += chunk;
  });
  many.write(request.repeat(4));
  await once(many, 'close');
  expect(received).toBe('');
  expect(handler).not.toHaveBeenCalled();
});

test('an HTTP/1.0 request needs no Host header', async () => {
  await using server = await startServer((_request, response) => void response.end('a'), {});
  const socket = await server.connect();
  socket.write('GET / HTTP/1.0\r\n\r\n');
  const [response] = await once(socket, 'data');
  expect(String(response)).toContain('200 OK');
});

test('at the limit a connection whose request does not arrive to its end is closed, and one that waits is not', async () => {
  await using server = await startServer(() => undefined, { maxConnections: 2, isTrustedProxy: () => true });
  const waiting = await server.connect();
  waiting.write(GET);
  const incomplete = await server.connect();
  incomplete.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nbegin');
  await delay(50);
  const next = await server.connect();
  await once(incomplete, 'close');
  expect([waiting.destroyed, next.destroyed]).toEqual([false, false]);
});

test('a new connection does not wait for the requests of the connections before it', async () => {
  const handled: string[] = [];
  await using server = await startServer((request, response) => {
    handled.push(request.headers.authorization ?? '');
    const endsAt = performance.now() + 10;
    while (performance.now() < endsAt);
    response.end('a');
  }, {});
  const send = (party: string) =>
    server.connect().then((socket) => {
      socket.resume();
      socket.write(`GET / HTTP/1.1\r\nHost: a\r\nAuthorization: ${party}\r\n\r\n`);
    });
  await Promise.all([...Array.from({ length: 30 }, () => send('many')), send('one')]);
  await expect.poll(() => handled).toHaveLength(31);
  expect(handled.indexOf('one')).toBeLessThanOrEqual(5);
});
