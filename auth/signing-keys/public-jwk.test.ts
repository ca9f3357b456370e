import { exportJWK, generateKeyPair } from 'jose';
import { expect, test } from 'vitest';
import { PRIVATE_JWK_MEMBERS, toPublicJwk } from './public-jwk.ts';
import { SIGNING_ALGORITHMS } from './signing-algorithms.ts';

test.each(SIGNING_ALGORITHMS)('the public half of a key for %s has only the public members', async (alg) => {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const names = { kid: 'one', alg, use: 'sig' };
  const privateJwk = { ...(await exportJWK(privateKey)), ...names };
  expect(PRIVATE_JWK_MEMBERS.some((member) => member in privateJwk)).toBe(true);
  const unknown = { unknown_private_member: 'secret', priv: 'secret', k: 'secret' };
  const published = toPublicJwk({ ...privateJwk, ...unknown });
  expect(published).toEqual({ ...(await exportJWK(publicKey)), ...names });
  for (const member of [...PRIVATE_JWK_MEMBERS, ...Object.keys(unknown)]) expect(published).not.toHaveProperty(member);
});

test.each([['oct'], ['AKP'], [undefined]])('a key of the type %s cannot be published', (kty) => {
  expect(() => toPublicJwk({ kty, k: 'c2VjcmV0' } as never)).toThrow('expected EC, RSA or OKP');
});
