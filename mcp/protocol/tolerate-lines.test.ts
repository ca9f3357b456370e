import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { tolerateLines } from './tolerate-lines.ts';

/** What becomes of chunks: the lines that are passed on, how many are ignored, and the answers to these. */
async function pass(chunks: readonly (string | Buffer)[], maxLineBytes = 1_000) {
  const output = new PassThrough();
  let ignored = 0;
  const lines = tolerateLines({ output, maxLineBytes, onInvalid: () => ignored++ });
  const passed = text(lines);
  for (const chunk of chunks) lines.write(chunk);
  lines.end();
  const passedOn = (await passed).split('\n').filter(Boolean);
  output.end();
  return {
    passedOn,
    ignored,
    answered: (await text(output))
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line)),
  };
}

const call = (params: unknown, others: object = {}) =>
  JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', ...others, params });

test.each([
  ['no params', 'null', null, undefined],
  ['no arguments', 'null', { name: 'a', arguments: null }, { name: 'a' }],
  ['a task', 'metadata', { name: 'a', task: { ttl: 1 } }, { name: 'a' }],
  ['no cursor and no _meta', 'null', { cursor: null, _meta: null }, {}],
  ['arguments in a string', 'JSON', { name: 'a', arguments: '{"b":1}' }, { name: 'a', arguments: { b: 1 } }],
  ['arguments in a string', 'other text', { name: 'a', arguments: '[1]' }, { name: 'a', arguments: '[1]' }],
  ['arguments that contain null', 'data', { name: 'a', arguments: { b: null } }, { name: 'a', arguments: { b: null } }],
])('%s: %s', async (_name, _what, params, expected) => {
  const { passedOn, answered } = await pass([`${call(params)}\n`]);
  expect(passedOn.map((line) => JSON.parse(line))).toEqual([
    { jsonrpc: '2.0', id: 1, method: 'tools/call', ...(expected && { params: expected }) },
  ]);
  expect(answered).toEqual([]);
});

test('lines may arrive in any parts, also within a character', async () => {
  const line = Buffer.from(`${call({ name: 'é' })}\r\n${call({ name: 'ü' })}\n`);
  const chunks = Array.from(line, (byte) => Buffer.of(byte));
  const { passedOn } = await pass(chunks);
  expect(passedOn.map((one) => JSON.parse(one).params.name)).toEqual(['é', 'ü']);
});

test('a line that is not valid is ignored, and answered if it is a request with an id', async () => {
  const error = { code: -32600, message: expect.stringContaining('expected one JSON-RPC message') };
  const invalid = call([], { id: 'x' });
  const answered = [{ jsonrpc: '2.0', id: 'x', error }];
  expect(await pass([`${invalid}\n`])).toEqual({ passedOn: [], ignored: 1, answered });
  // without an id that can be repeated, and for what is no request, there is nothing to answer
  for (const line of ['no JSON', '[]', '5', '{"jsonrpc":"2.0","id":{},"method":"a"}', '{"jsonrpc":"2.0","id":1}'])
    expect(await pass([`${line}\n`])).toEqual({ passedOn: [], ignored: 1, answered: [] });
});

test('a line that is too long is passed on before it ends', async () => {
  const lines = tolerateLines({ output: new PassThrough(), maxLineBytes: 10, onInvalid: () => {} });
  lines.write('x'.repeat(11));
  expect(String(lines.read())).toBe('x'.repeat(11));
});
