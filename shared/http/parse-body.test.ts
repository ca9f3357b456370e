import { gzipSync } from 'node:zlib';
import Koa from 'koa';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import * as z from 'zod';
import { handleErrors, renderProblem } from './handle-errors.ts';
import { parseBody } from './parse-body.ts';
import { serve } from './serve.ts';

async function startParser() {
  const Body = z.strictObject(
    { title: z.string('a string'), tags: z.array(z.string('a string')).optional() },
    'a JSON object',
  );
  const app = new Koa();
  app.use(handleErrors({ logger: pino({ level: 'silent' }), render: renderProblem }));
  app.use(parseBody(Body, { limit: 100 }));
  app.use((ctx) => {
    ctx.body = { got: ctx.state.body };
  });
  const server = await serve(app.callback(), { port: 0, host: '127.0.0.1' });
  return {
    async post(body: string | Uint8Array, headers: Record<string, string> = { 'content-type': 'application/json' }) {
      const response = await fetch(`http://127.0.0.1:${server.port}`, { method: 'POST', headers, body });
      return { status: response.status, type: response.headers.get('content-type'), body: await response.json() };
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

test.each(['application/json', 'application/json; charset=utf-8', 'application/merge-patch+json'])(
  'JSON is accepted as %s',
  async (type) => {
    await using parser = await startParser();
    expect(await parser.post('{"title":"Zoë 🎉"}', { 'content-type': type })).toMatchObject({
      status: 200,
      body: { got: { title: 'Zoë 🎉' } },
    });
  },
);

const json = { 'content-type': 'application/json' };
test.each([
  ['not JSON', '{"title":', json, 400, 'body: expected JSON in UTF-8'],
  ['nothing', '', json, 400, 'body: expected JSON in UTF-8'],
  ['not UTF-8', new Uint8Array([0x22, 0xff, 0x22]), json, 400, 'body: expected JSON in UTF-8'],
  ['no object', '[1]', json, 400, 'body: expected a JSON object'],
  ['null', 'null', json, 400, 'body: expected a JSON object'],
  ['deeply nested', '['.repeat(90), json, 400, 'body: expected at most 20 levels'],
  ['of the wrong type', '{"title":1}', json, 400, 'title: expected a string'],
  ['wrong within', '{"title":"a","tags":["a",2]}', json, 400, 'tags.1: expected a string'],
  ['with a field too many', '{"title":"a","colour":"red"}', json, 400, 'colour: expected no such field'],
  ['with __proto__', '{"title":"a","__proto__":{"x":1}}', json, 400, '__proto__: expected no such field'],
  ['too long', `{"title":"${'a'.repeat(100)}"}`, json, 413, 'body: expected at most 100 bytes'],
  [
    'a form',
    'title=a',
    { 'content-type': 'application/x-www-form-urlencoded' },
    415,
    'content-type: expected application/json',
  ],
  ['of no type', new Uint8Array([1]), {}, 415, 'content-type: expected application/json'],
  [
    'compressed',
    gzipSync('{"title":"a"}'),
    { ...json, 'content-encoding': 'gzip' },
    415,
    'content-encoding: expected none',
  ],
])('a body that is %s is rejected', async (_name, body, headers, status, detail) => {
  await using parser = await startParser();
  const answer = await parser.post(body, headers);
  expect(answer).toMatchObject({
    status,
    type: 'application/problem+json',
    body: { type: 'about:blank', status, detail },
  });
});

test('every invalid field is listed', async () => {
  await using parser = await startParser();
  expect((await parser.post('{"title":1,"tags":"x","colour":1}')).body).toEqual({
    type: 'about:blank',
    title: 'Bad Request',
    status: 400,
    code: 'invalid_request',
    detail: expect.any(String),
    errors: [
      { field: 'title', expected: 'a string' },
      { field: 'tags', expected: expect.any(String) },
      { field: 'colour', expected: 'no such field' },
    ],
  });
});
