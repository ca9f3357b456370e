import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { connect } from 'node:net';
import { expect, test, vi } from 'vitest';
import { countAllowedConnections } from './open-files.ts';
import { serve } from './serve.ts';

/** Starts a server that answers its request when `answer` is called. `received` resolves when the request has arrived. */
async function startSlowServer() {
  const { promise: mayAnswer, resolve: answer } = Promise.withResolvers<void>();
  const { promise: received, resolve: receive } = Promise.withResolvers<void>();
  const server = await serve(
    async (_request, response) => {
      receive();
      await mayAnswer;
      response.end('done');
    },
    { port: 0, host: '127.0.0.1' },
  );
  return { server, received, answer };
}

test('a disposed server completes running requests and accepts no new ones', async () => {
  const { server, received, answer } = await startSlowServer();
  const url = `http://127.0.0.1:${server.port}`;
  const running = fetch(url).then((response) => response.text());
  await received;
  const disposed = server[Symbol.asyncDispose]();
  await expect(fetch(url)).rejects.toThrow('fetch failed');
  answer();
  expect(await running).toBe('done');
  await disposed;
});

test('a client that sends requests without pause gets no other one on its connection while the server drains', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const answers: (() => void)[] = [];
  const server = await serve((_request, response) => void answers.push(() => response.end('done')), {
    port: 0,
    host: '127.0.0.1',
  });
  const send = () =>
    new Promise<string | undefined>((resolve, reject) => {
      get({ port: server.port, host: '127.0.0.1', agent }, (response) => {
        response.resume().once('end', () => resolve(response.headers.connection));
      }).once('error', reject);
    });
  const running = send();
  await vi.waitFor(() => expect(answers).toHaveLength(1));
  const disposed = server[Symbol.asyncDispose]();
  const rejected = expect(send()).rejects.toThrow();
  answers[0]?.();
  await running;
  await rejected;
  await disposed;
  agent.destroy();
});

test('a request that does not end in time is aborted', async () => {
  const server = await serve(() => {}, { port: 0, host: '127.0.0.1', drainFor: 50 });
  const hanging = expect(fetch(`http://127.0.0.1:${server.port}`)).rejects.toThrow();
  await new Promise((resolve) => setTimeout(resolve, 20));
  await server[Symbol.asyncDispose]();
  await hanging;
});

test('a connection that was accepted before the server closes gets a response to its first request, and no other', async () => {
  const server = await serve((_request, response) => void response.end('done'), { port: 0, host: '127.0.0.1' });
  const client = connect(server.port, '127.0.0.1').setEncoding('utf8');
  await once(client, 'connect');
  // the response to another request says that the server has accepted the connection before it
  await fetch(`http://127.0.0.1:${server.port}`, { headers: { connection: 'close' } }).then((response) =>
    response.text(),
  );
  const disposed = server[Symbol.asyncDispose]();
  client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  const [response] = await once(client, 'data');
  expect(response).toMatch(/^HTTP\/1\.1 200 OK\r\n(?:.*\r\n)*Connection: close\r\n/);
  await disposed;
});

test('before a process stops, each response closes its connection', async () => {
  let isStopping = false;
  const options = { port: 0, host: '127.0.0.1', isStopping: () => isStopping };
  await using server = await serve((_request, response) => void response.end('done'), options);
  const agent = new Agent({ keepAlive: true });
  const send = async () => {
    const [response] = await once(get({ port: server.port, host: '127.0.0.1', agent }), 'response');
    await once(response.resume(), 'end');
    return response.headers.connection;
  };
  expect(await send()).toBe('keep-alive');
  isStopping = true;
  expect([await send(), await send()]).toEqual(['close', 'close']);
  agent.destroy();
});

test('a request that waits when the server closes is the last one of its connection', async () => {
  const { server, received, answer } = await startSlowServer();
  const agent = new Agent({ keepAlive: true });
  const waiting = once(get({ port: server.port, host: '127.0.0.1', agent }), 'response');
  await received;
  const disposed = server[Symbol.asyncDispose]();
  answer();
  const [response] = await waiting;
  expect(response.headers.connection).toBe('close');
  response.resume();
  await disposed;
  agent.destroy();
});

test('an idle connection does not block the shutdown', async () => {
  const server = await serve(() => {}, { port: 0, host: '127.0.0.1' });
  const idle = connect(server.port, '127.0.0.1');
  await once(idle, 'connect');
  await server[Symbol.asyncDispose]();
  idle.destroy();
});

test('a port that is in use is an error', async () => {
  await using server = await serve(() => {}, { port: 0, host: '127.0.0.1' });
  await expect(serve(() => {}, { port: server.port, host: '127.0.0.1' })).rejects.toMatchObject({ code: 'EADDRINUSE' });
});

// only Linux tells its limit
test.runIf(Number.isFinite(countAllowedConnections(1)))(
  'a server accepts its part of the connections of the process',
  async () => {
    const serversOfProcess = countAllowedConnections(1);
    await using server = await serve(() => {}, { port: 0, host: '127.0.0.1', drainFor: 0, serversOfProcess });
    const first = connect(server.port, '127.0.0.1');
    await once(first, 'connect');
    const closed = once(first, 'close');
    const second = connect(server.port, '127.0.0.1');
    await closed;
    expect(second.destroyed).toBe(false);
    second.destroy();
  },
);
