import { calculateJwkThumbprint, exportJWK, generateKeyPair, jwtVerify, SignJWT } from 'jose';
import { pino } from 'pino';
import { expect, test, vi } from 'vitest';
import { createPublicKeys } from './public-keys.ts';
import type { SigningKey } from './signing-keys.ts';

const logger = pino({ level: 'silent' });

async function generateSigningKey(): Promise<SigningKey> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk = await exportJWK(privateKey);
  return { ...jwk, kid: await calculateJwkThumbprint(jwk), alg: 'ES256', use: 'sig' };
}

const sign = (key: SigningKey) => new SignJWT({}).setProtectedHeader({ alg: key.alg, kid: key.kid }).sign(key);

async function createKeys() {
  const [first, second] = [await generateSigningKey(), await generateSigningKey()];
  let clock = 0;
  const load = vi.fn(async () => ({ active: first, all: [first, second] }));
  const signingKeys = { active: first, all: [first] };
  const keys = createPublicKeys({ signingKeys, load, logger, now: () => clock });
  return {
    ...keys,
    first,
    second,
    load,
    pass: (milliseconds: number) => {
      clock += milliseconds;
    },
  };
}

test('a key that another process created verifies tokens and is published without its private members', async () => {
  const { find, keySet, first, second, load } = await createKeys();
  await jwtVerify(await sign(first), find);
  expect(load).not.toHaveBeenCalled();
  await jwtVerify(await sign(second), find);
  const { keys } = await keySet();
  expect(keys.map(({ kid }) => kid)).toEqual([first.kid, second.kid]);
  for (const key of keys) expect(key).not.toHaveProperty('d');
});

test('made-up key ids cause one read of the database per second', async () => {
  const { find, load, pass } = await createKeys();
  const rejectMadeUpKey = async () => {
    const madeUp = await sign(await generateSigningKey());
    await expect(jwtVerify(madeUp, find)).rejects.toMatchObject({ code: 'ERR_JWKS_NO_MATCHING_KEY' });
  };
  for (let i = 0; i < 5; i += 1) await rejectMadeUpKey();
  expect(load).toHaveBeenCalledTimes(1);
  pass(999);
  await rejectMadeUpKey();
  expect(load).toHaveBeenCalledTimes(1);
  pass(1);
  await rejectMadeUpKey();
  expect(load).toHaveBeenCalledTimes(2);
});

test('if the database is unreachable, an unknown key is a 503 and not an invalid token', async () => {
  const { find, second, load, pass } = await createKeys();
  load.mockRejectedValueOnce(new Error('the database is unreachable'));
  const token = await sign(second);
  await expect(jwtVerify(token, find)).rejects.toMatchObject({ name: 'ServiceUnavailableError', status: 503 });
  pass(1_000);
  await jwtVerify(token, find);
});

test('if the database is unreachable or hangs, the cached keys are still published and verify tokens', async () => {
  const { find, keySet, first, second, load, pass } = await createKeys();
  load.mockRejectedValueOnce(new Error('the database is unreachable'));
  expect((await keySet()).keys).toHaveLength(1);
  pass(1_000);
  load.mockReturnValueOnce(new Promise(() => {}));
  expect((await keySet()).keys).toHaveLength(1);
  await jwtVerify(await sign(first), find);
  pass(1_000);
  await jwtVerify(await sign(second), find);
});
