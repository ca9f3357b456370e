import { expect, test } from 'vitest';
import { parseChallenges } from './challenge.ts';

const parse = (header: string) =>
  parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);

test('a header with several challenges is parsed into schemes and parameters', () => {
  expect(parse('Bearer')).toEqual([['bearer', {}]]);
  expect(parse('Bearer resource_metadata="https://a.example/x?a=1,2", scope="a b", error=invalid_token')).toEqual([
    ['bearer', { resource_metadata: 'https://a.example/x?a=1,2', scope: 'a b', error: 'invalid_token' }],
  ]);
  expect(parse('Basic realm="say \\"Bearer x=\\"", charset="UTF-8", BEARER Scope = "a"')).toEqual([
    ['basic', { realm: 'say "Bearer x="', charset: 'UTF-8' }],
    ['bearer', { scope: 'a' }],
  ]);
  expect(parse('Negotiate, DPoP algs="ES256"')).toEqual([
    ['negotiate', {}],
    ['dpop', { algs: 'ES256' }],
  ]);
});

test('a header without a challenge has none', () => {
  expect(parse('')).toEqual([]);
  expect(parse('"Bearer"')).toEqual([]);
  expect(parse('scope="a", Bearer')).toEqual([['bearer', {}]]);
});

test('a hostile header does not slow down the parser', () => {
  const started = performance.now();
  for (const part of ['a', 'a=', ' ', ',', 'a="\\', '"']) parseChallenges(part.repeat(16_000));
  expect(performance.now() - started).toBeLessThan(1_000);
});
