import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose';
import { expect, test } from 'vitest';
import { computeThumbprint, findNextExpiryMs, findValidKeys, replaceKeys } from './client-keys.ts';

const one = { kty: 'EC', kid: 'one' };
const two = { kty: 'EC', kid: 'two' };
const three = { kty: 'EC', kid: 'three' };
const SECOND = 1_000_000;
const now = SECOND * 1000;

test('without an overlap, the new keys are the only ones', () => {
  const stored = { keys: [one, { ...two, exp: SECOND + 10 }] };
  expect(replaceKeys(stored, [three], { overlapSeconds: 0, now })).toEqual({ keys: [three] });
});

test('replaced keys stay valid for the overlap, or for less if they expire earlier', () => {
  const stored = { keys: [one, { ...two, exp: SECOND + 10 }] };
  expect(replaceKeys(stored, [three], { overlapSeconds: 60, now })).toEqual({
    keys: [three, { ...one, exp: SECOND + 60 }, { ...two, exp: SECOND + 10 }],
  });
  expect(replaceKeys(stored, [three], { overlapSeconds: 5, now })).toEqual({
    keys: [three, { ...one, exp: SECOND + 5 }, { ...two, exp: SECOND + 5 }],
  });
});

test('expired keys are removed, and a key that is among the new ones does not expire', () => {
  const stored = { keys: [one, { ...two, exp: SECOND + 10 }, { ...three, exp: SECOND }] };
  expect(replaceKeys(stored, [two, one], { overlapSeconds: 60, now })).toEqual({ keys: [two, one] });
});

test('the same replacement again, as after a lost response, changes nothing', () => {
  const once = replaceKeys({ keys: [one] }, [two], { overlapSeconds: 60, now });
  expect(replaceKeys(once, [two], { overlapSeconds: 60, now: now + 5_000 })).toEqual(once);
});

test('a key expires at its time, and is the next to expire until then', () => {
  const keys = { keys: [one, { ...two, exp: SECOND + 1 }, { ...three, exp: SECOND + 2 }] };
  expect(findValidKeys(keys, now + 999)).toHaveLength(3);
  expect(findValidKeys(keys, now + 1000)).toEqual([one, { ...three, exp: SECOND + 2 }]);
  expect(findNextExpiryMs(keys, now + 999)).toBe(now + 1000);
  expect(findNextExpiryMs(keys, now + 1000)).toBe(now + 2000);
  expect(findNextExpiryMs(keys, now + 2000)).toBe(Number.POSITIVE_INFINITY);
});

test.each(['ES256', 'RS256', 'Ed25519'])('the thumbprint of a key for %s is that of RFC 7638', async (alg) => {
  const jwk = await exportJWK((await generateKeyPair(alg)).publicKey);
  expect(computeThumbprint({ ...jwk, kid: 'one', exp: SECOND })).toBe(await calculateJwkThumbprint(jwk));
});
