import { createServer, type RequestListener } from 'node:http';
import { expect, test } from 'vitest';
import { createCautiousFetch, createFetchText } from './cautious-fetch.ts';
import { BrokenLinkError } from './chain.ts';
import { readClock } from './clocks.ts';

async function open(handler: RequestListener, { timeout = 5_000 } = {}) {
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  const fetchText = createFetchText(createCautiousFetch({ timeout }), Date.now);
  return {
    request: () => fetchText(`http://127.0.0.1:${port}/`),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

test('a correct response is returned whole', async () => {
  await using server = await open((_request, response) => response.writeHead(418, { 'x-own': 'yes' }).end('short'));
  const answer = await server.request();
  expect({ status: answer.status, text: answer.text, own: answer.headers.get('x-own') }).toEqual({
    status: 418,
    text: 'short',
    own: 'yes',
  });
});

test.each<[string, RequestListener, RegExp]>([
  ['never begins', () => {}, /the request timed out/],
  ['never ends', (_request, response) => response.writeHead(200).write('{'), /the request timed out/],
  ['is endless', (_request, response) => response.end('x'.repeat(1_000_001)), /answers with more than 1000000 bytes/],
  ['is cut off', (request) => request.socket.destroy(), /the server closed the connection/],
  ['is not HTTP', (request) => request.socket.end('SSH-2.0\r\n'), /the server does not speak HTTP/],
  [
    'redirects',
    (_request, response) => response.writeHead(308, { location: '/elsewhere' }).end(),
    /redirects \(308\) to \/elsewhere/,
  ],
])('a response that %s is an error with a remedy', async (_name, handler, message) => {
  await using server = await open(handler, String(message).includes('timed out') ? { timeout: 300 } : {});
  const error = await server.request().catch((thrown) => thrown);
  expect(error).toBeInstanceOf(BrokenLinkError);
  expect(error.message).toMatch(message);
  expect(error.remedy).toMatch(/\w/);
});

test('an event stream is not read', async () => {
  await using server = await open((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': open\n\n');
  });
  expect(await server.request()).toMatchObject({ status: 200, text: '' });
});

test('a clock is read from the Date header, and from Age when a cache stored the response', () => {
  const at = Date.parse('2026-11-23T12:00:00.500Z');
  const times = { sentAt: at, receivedAt: at + 200 };
  const read = (headers: Record<string, string>) =>
    readClock('it', { headers: new Headers(headers), ...times })?.secondsAhead;
  expect(read({ date: 'Mon, 23 Nov 2026 12:00:00 GMT' })).toBe(0);
  expect(read({ date: 'Mon, 23 Nov 2026 12:01:00 GMT' })).toBeCloseTo(59.3);
  expect(read({ date: 'Mon, 23 Nov 2026 11:59:00 GMT' })).toBeCloseTo(-59.5);
  expect(read({ date: 'Mon, 23 Nov 2026 11:59:00 GMT', age: '60' })).toBe(0);
  expect(read({ date: 'yesterday' })).toBeUndefined();
  expect(read({})).toBeUndefined();
});
