import { decodeProtectedHeader } from 'jose';
import { expect, test, vi } from 'vitest';
import { getFreePort } from '../testing/free-port.ts';
import { startTokenIssuer } from '../testing/token-issuer.ts';
import { createAccessTokenVerifier } from './access-token-verifier.ts';
import { AuthorizationServerUnavailableError, createIssuer } from './issuer.ts';

const audience = 'http://api.example/api/v1';

test('the keys are fetched once for many access tokens, and kept while the issuer cannot be reached', async () => {
  const server = await startTokenIssuer({ audience });
  const { identifier } = server;
  const { keys } = createIssuer({ identifier });
  const verify = createAccessTokenVerifier({ issuer: identifier, audience, keys, isRevoked: () => false });
  const tokens = await Promise.all(Array.from({ length: 20 }, () => server.issue()));
  const later = await server.issue();
  await Promise.all(tokens.map(verify));
  expect(server.requests).toEqual(
    new Map([
      ['/.well-known/oauth-authorization-server', 1],
      ['/jwks', 1],
    ]),
  );
  await server[Symbol.asyncDispose]();
  expect(await verify(later)).toMatchObject({ subject: 'alice' });
});

test('old keys are renewed in the background, and a withdrawn key is dropped', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  try {
    await using server = await startTokenIssuer({ audience });
    const { keys } = createIssuer({ identifier: server.identifier });
    const verify = createAccessTokenVerifier({ issuer: server.identifier, audience, keys, isRevoked: () => false });
    const old = await server.issue();
    await verify(old);
    await server.replaceKey();
    expect(await verify(old)).toMatchObject({ subject: 'alice' });
    vi.setSystemTime(Date.now() + 5 * 60_000 + 1);
    // the first request does not wait for the new keys
    expect(await verify(old)).toMatchObject({ subject: 'alice' });
    await vi.waitFor(() => expect(verify(old)).rejects.toMatchObject({ reason: 'invalid' }), 10_000);
    expect(await verify(await server.issue())).toMatchObject({ subject: 'alice' });
  } finally {
    vi.useRealTimers();
  }
});

test('old keys are kept while the issuer cannot be reached', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  try {
    const server = await startTokenIssuer({ audience });
    const { keys } = createIssuer({ identifier: server.identifier });
    const verify = createAccessTokenVerifier({ issuer: server.identifier, audience, keys, isRevoked: () => false });
    const token = await server.issue({ claims: { exp: Math.floor(Date.now() / 1000) + 7200 } });
    const unseen = await server.issue({ claims: { exp: Math.floor(Date.now() / 1000) + 7200 } });
    await verify(token);
    await server[Symbol.asyncDispose]();
    vi.setSystemTime(Date.now() + 3600_000);
    expect(await verify(token)).toMatchObject({ subject: 'alice' });
    expect(await verify(unseen)).toMatchObject({ subject: 'alice' });
  } finally {
    vi.useRealTimers();
  }
});

test('if the keys were never fetched and the issuer cannot be reached, the answer is 503 and not 401', async () => {
  const identifier = `http://127.0.0.1:${await getFreePort()}`;
  const { keys } = createIssuer({ identifier });
  await expect(keys.load()).rejects.toBeInstanceOf(AuthorizationServerUnavailableError);
  await using elsewhere = await startTokenIssuer({ audience });
  const verify = createAccessTokenVerifier({ issuer: identifier, audience, keys, isRevoked: () => false });
  await expect(verify(await elsewhere.issue())).rejects.toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
});

test('metadata of another issuer is rejected', async () => {
  await using server = await startTokenIssuer({ audience });
  const { metadata } = createIssuer({ identifier: 'http://auth.example', url: server.identifier });
  await expect(metadata()).rejects.toBeInstanceOf(AuthorizationServerUnavailableError);
});

test('with a separate url the connections go there, and the issuer identifier stays the same', async () => {
  await using server = await startTokenIssuer({ audience });
  const asked: string[] = [];
  const issuer = createIssuer({
    identifier: server.identifier,
    url: 'http://auth.internal:3000',
    fetch: (input, init) => {
      const url = String(input);
      asked.push(url);
      return fetch(url.replace('http://auth.internal:3000', server.identifier), init);
    },
  });
  const verify = createAccessTokenVerifier({
    issuer: server.identifier,
    audience,
    keys: issuer.keys,
    isRevoked: () => false,
  });
  const token = await server.issue();
  expect(decodeProtectedHeader(token).typ).toBe('at+jwt');
  expect(await verify(token)).toMatchObject({ subject: 'alice' });
  expect(asked).toEqual([
    'http://auth.internal:3000/.well-known/oauth-authorization-server',
    'http://auth.internal:3000/jwks',
  ]);
});

test.each([
  ['https://auth.example', undefined, true],
  ['http://localhost:3000', undefined, true],
  ['http://127.0.0.1:3000', undefined, true],
  ['http://[::1]:3000', undefined, true],
  ['http://auth.example', undefined, false],
  ['http://127.0.0.1.evil.example', undefined, false],
  ['http://auth.example', 'http://auth:3000', true],
])('a secret may be sent to the issuer %s at the address %s: %s', (identifier, url, expected) => {
  const { acceptsSecretsAt } = createIssuer({ identifier, url });
  expect(acceptsSecretsAt(`${identifier}/oauth/status-lists`)).toBe(expected);
});

test('a secret is never sent to another origin than that of the issuer', () => {
  const { acceptsSecretsAt } = createIssuer({ identifier: 'https://auth.example', url: 'http://auth:3000' });
  for (const uri of [
    'https://evil.example/oauth/status-lists',
    'https://auth.example.evil.example/oauth/status-lists',
    'https://auth.example:8443/oauth/status-lists',
    'https://auth.example@evil.example/oauth/status-lists',
    'http://auth.example/oauth/status-lists',
  ])
    expect(acceptsSecretsAt(uri)).toBe(false);
});
