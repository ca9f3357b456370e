import { setTimeout } from 'node:timers/promises';
import { type CryptoKey, generateKeyPair, SignJWT } from 'jose';
import { expect, test } from 'vitest';
import { type Deviation, startTokenIssuer } from '../testing/token-issuer.ts';
import { InvalidAccessTokenError } from './access-token-claims.ts';
import { createAccessTokenVerifier } from './access-token-verifier.ts';
import { createIssuer } from './issuer.ts';

const audience = 'http://api.example/api/v1';
const now = Math.floor(Date.now() / 1000);

async function open(options: { now?: () => number; remember?: number } = {}) {
  const issuer = await startTokenIssuer({ audience });
  const { keys } = createIssuer({ identifier: issuer.identifier });
  const verify = createAccessTokenVerifier({
    issuer: issuer.identifier,
    audience,
    keys,
    isRevoked: () => false,
    ...options,
  });
  const reasonOf = (token: string) =>
    (async () => verify(token))().then(
      () => 'accepted',
      (error) => (error instanceof InvalidAccessTokenError ? error.reason : error),
    );
  return { issuer, verify, reasonOf, [Symbol.asyncDispose]: () => issuer[Symbol.asyncDispose]() };
}

test('a valid access token has a subject, a client and scopes', async () => {
  await using opened = await open();
  const token = await opened.issuer.issue({ claims: { jti: 'one', exp: now + 60, act: { sub: 'mcp' } } });
  expect(await opened.verify(token)).toMatchObject({
    subject: 'alice',
    clientId: 'program',
    actor: { sub: 'mcp' },
    scopes: new Set(['todos:read', 'todos:write']),
    jti: 'one',
    expiresAt: now + 60,
  });
});

const refused: [string, Deviation, string][] = [
  ['expired', { claims: { exp: now - 60 } }, 'expired'],
  ['for another audience', { claims: { aud: 'http://mcp.example/mcp' } }, 'wrong-audience'],
  ['for this audience with a slash', { claims: { aud: `${audience}/` } }, 'wrong-audience'],
  ['for this audience and another', { claims: { aud: [audience, 'http://mcp.example/mcp'] } }, 'wrong-audience'],
  ['for no audience', { claims: { aud: undefined } }, 'invalid'],
  ['of another issuer', { claims: { iss: 'http://evil.example' } }, 'invalid'],
  ['of this issuer with a slash', { claims: { iss: 'http://127.0.0.1/' } }, 'invalid'],
  ['of another type', { header: { typ: 'JWT' } }, 'invalid'],
  ['of no type', { header: { typ: undefined } }, 'invalid'],
  ['of an unknown key', { header: { kid: 'unknown' } }, 'invalid'],
  ['not valid yet', { claims: { nbf: now + 60 } }, 'invalid'],
  ['bound to a key', { claims: { cnf: { jkt: 'thumbprint' } } }, 'invalid'],
  ...['sub', 'client_id', 'jti'].flatMap((claim) =>
    [
      ['an empty', ''],
      ['a NUL in', 'a\0'],
      ['a line feed in', 'a\n'],
      ['a lone surrogate in', 'a\ud800'],
      ['too long a', 'a'.repeat(256)],
    ].map(([what, value]): [string, Deviation, string] => [
      `with ${what} ${claim}`,
      { claims: { [claim]: value } },
      'invalid',
    ]),
  ),
  ['with a NUL in act', { claims: { act: { sub: 'mcp', act: { sub: '\0' } } } }, 'invalid'],
  ...['iss', 'sub', 'client_id', 'iat', 'exp', 'jti'].map((claim): [string, Deviation, string] => [
    `without ${claim}`,
    { claims: { [claim]: undefined } },
    'invalid',
  ]),
];

test.each(refused)('an access token that is %s is rejected', async (_name, deviation, reason) => {
  await using opened = await open();
  expect(await opened.reasonOf(await opened.issuer.issue())).toBe('accepted');
  expect(await opened.reasonOf(await opened.issuer.issue(deviation))).toBe(reason);
});

async function forge(key: CryptoKey | Uint8Array, header: { alg: string; kid?: string }, claims: object) {
  return new SignJWT({ ...claims }).setProtectedHeader({ typ: 'at+jwt', ...header }).sign(key);
}

test('an access token with a foreign signature or none is rejected', async () => {
  await using opened = await open();
  const good = await opened.issuer.issue();
  const [header = '', payload = '', signature = ''] = good.split('.');
  const { kid } = JSON.parse(Buffer.from(header, 'base64url').toString());
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

  const { privateKey } = await generateKeyPair('ES256');
  expect(await opened.reasonOf(await forge(privateKey, { alg: 'ES256', kid }, claims))).toBe('invalid');
  // the public key as a shared secret, and no signature at all (RFC 8725 §2.1)
  const jwks = await (await fetch(`${opened.issuer.identifier}/jwks`)).text();
  expect(await opened.reasonOf(await forge(Buffer.from(jwks), { alg: 'HS256', kid }, claims))).toBe('invalid');
  expect(await opened.reasonOf(`${encode({ alg: 'none', typ: 'at+jwt' })}.${payload}.`)).toBe('invalid');
  expect(await opened.reasonOf(`${header}.${encode({ ...claims, scope: 'admin' })}.${signature}`)).toBe('invalid');
  expect(await opened.reasonOf(`${header}.${payload}`)).toBe('invalid');
  expect(await opened.reasonOf('garbage')).toBe('invalid');
  expect(await opened.reasonOf(good)).toBe('accepted');
});

test('a cached access token is rejected when it has expired, after the clock tolerance', async () => {
  let time = Date.now();
  await using opened = await open({ now: () => time });
  const token = await opened.issuer.issue({ claims: { exp: now + 100 } });
  expect(await opened.reasonOf(token)).toBe('accepted');
  time = (now + 104) * 1000;
  expect(await opened.reasonOf(token)).toBe('accepted');
  time = (now + 105) * 1000;
  expect(await opened.reasonOf(token)).toBe('expired');
  expect(await opened.reasonOf(token)).toBe('expired');
});

test('the signature of an access token is verified once', async () => {
  await using opened = await open();
  const token = await opened.issuer.issue();
  await opened.verify(token);
  // the same object: nothing was parsed or verified for it
  expect(await opened.verify(token)).toBe(await opened.verify(token));
});

test('an access token is accepted in one spelling only, so it has one place in the cache', async () => {
  await using opened = await open({ remember: 2 });
  const [token, other] = [await opened.issuer.issue(), await opened.issuer.issue({ claims: { sub: 'bob' } })];
  await opened.verify(other);
  const remembered = await opened.verify(other);
  const [header = '', payload = '', signature = ''] = token.split('.');
  const decode = (text: string) => Buffer.from(text, 'base64url').toString('hex');
  // the last of the 86 characters of an ES256 signature has four bits that mean nothing
  const lastCharacters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'].filter(
    (character) => signature.at(-1) !== character && decode(signature.slice(0, -1) + character) === decode(signature),
  );
  expect(lastCharacters).toHaveLength(15);
  const spellings = [
    ...lastCharacters.map((character) => signature.slice(0, -1) + character),
    ...[' ', '\t', '\n', '='].flatMap((added) => [added + signature, signature + added]),
    `${signature.slice(0, 40)} ${signature.slice(40)}`,
    `${signature}==`,
    signature.replaceAll('-', '+').replaceAll('_', '/').concat('='),
  ].map((spelling) => `${header}.${payload}.${spelling}`);
  spellings.push(` ${token}`, `${header}=.${payload}.${signature}`, `${header}.${payload}=.${signature}`);
  for (const spelling of spellings) expect(await opened.reasonOf(spelling), spelling).toBe('invalid');
  expect(await opened.reasonOf(token)).toBe('accepted');
  expect(await opened.verify(other)).toBe(remembered);
});

test('invalid access tokens evict no valid one from the cache', async () => {
  await using opened = await open({ remember: 2 });
  const good = await opened.issuer.issue();
  await opened.verify(good);
  const remembered = await opened.verify(good);
  for (let index = 0; index < 10; index += 1)
    await opened.reasonOf(await opened.issuer.issue({ header: { typ: 'JWT' } }));
  expect(await opened.verify(good)).toBe(remembered);
});

test('a cached access token is rejected when its key was withdrawn', async () => {
  await using opened = await open();
  const token = await opened.issuer.issue();
  expect(await opened.reasonOf(token)).toBe('accepted');
  await opened.issuer.replaceKey();
  // keys are fetched anew when one is unknown, and once a second at the most
  await setTimeout(1_100);
  expect(await opened.reasonOf(await opened.issuer.issue())).toBe('accepted');
  expect(await opened.reasonOf(token)).toBe('invalid');
});
