import { compactVerify, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose';
import { expect, test } from 'vitest';
import { SIGNING_ALGORITHMS, type SigningAlgorithm } from '../signing-keys/signing-algorithms.ts';
import { ProviderSigningKey } from './provider-signing-key.ts';

async function generateSigningKey(alg: SigningAlgorithm) {
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  return { ...(await exportJWK(privateKey)), kid: 'a key', alg, use: 'sig' };
}

async function generateExternalKey(alg: SigningAlgorithm) {
  const jwk = await generateSigningKey(alg);
  const key = new ProviderSigningKey({ active: () => jwk, get: (kid) => (kid === jwk.kid ? jwk : undefined) });
  const header = Buffer.from(JSON.stringify({ alg, kid: jwk.kid })).toString('base64url');
  return {
    key,
    jwk,
    async signJws(payload: string) {
      const signed = `${header}.${Buffer.from(payload).toString('base64url')}`;
      const signature = Buffer.from(await key.sign(Buffer.from(signed)));
      return { jws: `${signed}.${signature.toString('base64url')}`, signature };
    },
  };
}

function publicHalf({ d, p, q, dp, dq, qi, ...publicKey }: JWK): JWK {
  return publicKey;
}

test.each(SIGNING_ALGORITHMS)('%s signatures that are made in the same turn each verify', async (alg) => {
  const { signJws, jwk } = await generateExternalKey(alg);
  const publicKey = await importJWK(publicHalf(jwk), alg);
  const payloads = Array.from({ length: 20 }, (_, i) => `payload ${i}`);
  for (const [i, { jws }] of (await Promise.all(payloads.map(signJws))).entries()) {
    const { payload } = await compactVerify(jws, publicKey, { algorithms: [alg] });
    expect(Buffer.from(payload).toString()).toBe(payloads[i]);
  }
});

test('an ES256 signature has 64 bytes even if R or S begins with zeros', async () => {
  const { signJws, jwk } = await generateExternalKey('ES256');
  const publicKey = await importJWK(publicHalf(jwk), 'ES256');
  const signed = await Promise.all(Array.from({ length: 4_000 }, (_, i) => signJws(`payload ${i}`)));
  expect(new Set(signed.map(({ signature }) => signature.length))).toEqual(new Set([64]));
  // one number in 256 begins with a zero byte, and one in 512 has a shorter DER form: 4,000 signatures include all kinds
  for (const half of [0, 32]) expect(signed.some(({ signature }) => signature[half] === 0)).toBe(true);
  await Promise.all(signed.map(({ jws }) => compactVerify(jws, publicKey)));
});

test('a key exposes only its public members', async () => {
  const { key, jwk } = await generateExternalKey('ES256');
  const { kid, alg, use, kty, crv, x, y } = key;
  expect({ kid, alg, use, kty, crv, x, y }).toEqual(publicHalf(jwk));
  expect((await key.keyObject()).type).toBe('public');
  expect(JSON.stringify(key)).not.toContain(jwk.d);
});

test('the key that the header names signs, also when another one has become active', async () => {
  const [first, second] = [await generateSigningKey('ES256'), { ...(await generateSigningKey('RS256')), kid: 'other' }];
  let active: typeof first = first;
  const keys = [first, second];
  const key = new ProviderSigningKey({ active: () => active, get: (kid) => keys.find((known) => known.kid === kid) });
  const header = Buffer.from(JSON.stringify({ alg: key.alg, kid: key.kid })).toString('base64url');
  active = second;
  expect({ kid: key.kid, alg: key.alg, kty: key.kty }).toEqual({ kid: 'other', alg: 'RS256', kty: 'RSA' });
  const signature = Buffer.from(await key.sign(Buffer.from(`${header}.e30`))).toString('base64url');
  await compactVerify(`${header}.e30.${signature}`, await importJWK(publicHalf(first), 'ES256'));
});
