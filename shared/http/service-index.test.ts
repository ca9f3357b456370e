import { hash } from 'node:crypto';
import Koa from 'koa';
import { expect, test } from 'vitest';
import { serve } from './serve.ts';
import { serviceIndex } from './service-index.ts';

const INDEX = {
  name: 'A <service>',
  description: 'It serves "todos" & tells where.',
  links: [{ href: "https://api.example/docs?a&b='", title: 'Documentation' }],
};

async function openService() {
  const app = new Koa();
  app.use(serviceIndex(INDEX));
  const server = await serve(app.callback(), { port: 0, host: '127.0.0.1' });
  return {
    request: (path: string, options?: RequestInit) => fetch(`http://127.0.0.1:${server.port}${path}`, options),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

test('a browser gets an HTML page with escaped text and links', async () => {
  await using service = await openService();
  const accept = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';
  const response = await service.request('/', { headers: { accept } });
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(response.headers.get('vary')).toBe('accept');
  const html = await response.text();
  expect(html).toContain('<title>A &#60;service&#62;</title>');
  expect(html).toContain('<p>It serves &#34;todos&#34; &#38; tells where.</p>');
  expect(html).toContain('<a href="https://api.example/docs?a&#38;b=&#39;">Documentation</a>');
});

test('the page may load nothing but its own style, and no site may frame it', async () => {
  await using service = await openService();
  const response = await service.request('/', { headers: { accept: 'text/html' } });
  const html = await response.text();
  const style = /<style>(.*)<\/style>/.exec(html)?.[1] ?? '';
  expect(response.headers.get('content-security-policy')).toBe(
    `default-src 'none'; style-src 'sha256-${hash('sha256', style, 'base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  );
  expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  expect(response.headers.get('referrer-policy')).toBe('no-referrer');
  expect(html).not.toMatch(/<script|style=|\son\w+=/);
});

test.each(['application/json', '*/*', 'image/png'])('a client that accepts %s gets JSON', async (accept) => {
  await using service = await openService();
  const response = await service.request('/', { headers: { accept } });
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
  expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  expect(await response.json()).toEqual(INDEX);
});

test('HEAD / is answered without a body; other paths and methods are not answered here', async () => {
  await using service = await openService();
  const head = await service.request('/', { method: 'HEAD' });
  expect({ status: head.status, body: await head.text() }).toEqual({ status: 200, body: '' });
  expect((await service.request('/other')).status).toBe(404);
  expect((await service.request('/', { method: 'POST' })).status).toBe(404);
});
