import { once } from 'node:events';
import { createConnection } from 'node:net';
import Koa from 'koa';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { logFailures } from './log-failures.ts';
import { identifyRequest } from './request-id.ts';
import { serve } from './serve.ts';

async function sendTarget(port: number, target: string): Promise<string> {
  const socket = createConnection(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write(`GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

test.each([
  'http://[',
  'http://[::1',
  'http://',
  'https://',
  'HTTP://[/',
  'http://%',
  'http:///path#',
  '/path#fragment',
  'ftp://localhost/',
  'localhost:80',
])('a request for the target %s is rejected with 400, and the server goes on', async (target) => {
  const app = new Koa();
  app.on('error', logFailures(pino({ level: 'silent' })));
  app.use(identifyRequest);
  app.use((ctx) => {
    ctx.body = `path ${ctx.path.startsWith('/')} ${ctx.path}`;
  });
  await using server = await serve(app.callback(), { port: 0, host: '127.0.0.1' });
  expect(await sendTarget(server.port, target)).toMatch(/^HTTP\/1\.1 400 /);
  expect(await sendTarget(server.port, '/after')).toMatch(/^HTTP\/1\.1 200 /);
});

test.each([
  ['/a/b?c', '/a/b'],
  ['http://anywhere.example/a/b?c', '/a/b'],
  ['HTTP://anywhere.example', '/'],
  ['//[', '//['],
  ['/[', '/['],
  ['/%', '/%'],
])('a request for the target %s has the path %s', async (target, path) => {
  const app = new Koa();
  app.use((ctx) => {
    ctx.body = `path ${ctx.path}`;
  });
  await using server = await serve(app.callback(), { port: 0, host: '127.0.0.1' });
  expect(await sendTarget(server.port, target)).toContain(`path ${path}`);
});
