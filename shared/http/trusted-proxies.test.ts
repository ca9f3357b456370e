import { request } from 'node:http';
import Koa from 'koa';
import { expect, test } from 'vitest';
import { serve } from './serve.ts';
import { parseTrustedProxies, trustProxies } from './trusted-proxies.ts';

async function startBehind(proxies: readonly string[]) {
  const app = new Koa();
  trustProxies(app, parseTrustedProxies(proxies));
  app.use((ctx) => {
    ctx.body = ctx.ip;
  });
  const server = await serve(app.callback(), { port: 0, host: '127.0.0.1' });
  return {
    addressOf: (forwardedFor: string | undefined) =>
      new Promise<string>((resolve, reject) => {
        const headers = forwardedFor === undefined ? {} : { 'x-forwarded-for': forwardedFor };
        request({ port: server.port, host: '127.0.0.1', headers }, async (response) => {
          resolve(Buffer.concat(await response.toArray()).toString());
        })
          .on('error', reject)
          .end();
      }),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

test.each([
  ['of a client', '203.0.113.1', '203.0.113.1'],
  ['in IPv6', '2001:db8::1', '2001:db8::1'],
  ['that a client put before its own', '198.51.100.1, 203.0.113.1', '203.0.113.1'],
  ['before a proxy that is trusted too', '203.0.113.1, 10.1.2.3', '203.0.113.1'],
  ['of a trusted proxy alone', '10.1.2.3', '10.1.2.3'],
  ['that is not named', undefined, '127.0.0.1'],
  ['that is none', 'unknown', '127.0.0.1'],
  ['that is none behind another proxy', '203.0.113.1, unknown, 10.1.2.3', '10.1.2.3'],
  ['with a port', '203.0.113.1:4711', '127.0.0.1'],
  ['too long to be one', 'a'.repeat(5_000), '127.0.0.1'],
])('the address of the client: %s', async (_name, forwardedFor, expected) => {
  await using behind = await startBehind(['loopback', '10.0.0.0/8']);
  expect(await behind.addressOf(forwardedFor)).toBe(expected);
});

test('X-Forwarded-For of an untrusted peer is ignored', async () => {
  await using behind = await startBehind(['10.0.0.0/8']);
  expect(await behind.addressOf('203.0.113.1')).toBe('127.0.0.1');
});
