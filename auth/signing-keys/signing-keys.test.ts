import { randomBytes } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CompactSign, compactVerify, createLocalJWKSet, importJWK } from 'jose';
import { expect, test } from 'vitest';
import { openOrm } from '../../shared/database/orm.ts';
import { makeTemporaryDirectory } from '../../shared/testing/temporary-directory.ts';
import { openTestDatabase } from '../../shared/testing/test-database.ts';
import { authDatabase } from '../database/definition.ts';
import { findOrCreateKeyEncryptionKey, KeyEncryptionKey } from './key-encryption-key.ts';
import { PRIVATE_JWK_MEMBERS } from './public-jwk.ts';
import { SIGNING_ALGORITHMS } from './signing-key.entity.ts';
import { findOrCreateSigningKeys, publicKeySet, SigningKeyUnreadableError } from './signing-keys.ts';

const keyEncryptionKey = randomBytes(32);

async function open() {
  await using opening = new AsyncDisposableStack();
  const orm = opening.use(await openOrm(opening.use(await openTestDatabase()), authDatabase));
  const opened = opening.move();
  return { em: orm.em, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

test('a signing key is created once, and every later start uses it', async () => {
  await using opened = await open();
  const options = { em: opened.em, algorithm: 'ES256', keyEncryptionKey } as const;
  const [first, second] = await Promise.all([findOrCreateSigningKeys(options), findOrCreateSigningKeys(options)]);
  expect(second).toEqual(first);
  expect(await findOrCreateSigningKeys(options)).toEqual(first);
  expect(first.all).toHaveLength(1);
  const { kid, d } = first.active;
  const events = await opened.em.execute('select action, target, detail from auth.audit_event');
  expect(events).toEqual([{ action: 'key.create', target: kid, detail: { alg: 'ES256' } }]);
  expect(JSON.stringify(events)).not.toContain(d);
});

test('neither the database nor the published key set contains a private key', async () => {
  await using opened = await open();
  const keys = await findOrCreateSigningKeys({ em: opened.em, algorithm: 'ES256', keyEncryptionKey });
  const stored = JSON.stringify(await opened.em.execute('select * from auth.signing_key'));
  expect(keys.active.d).toMatch(/^[\w-]{43}$/);
  expect(stored).not.toContain(keys.active.d);
  expect(publicKeySet(keys)).toEqual({
    keys: [
      { kty: 'EC', crv: 'P-256', x: keys.active.x, y: keys.active.y, kid: keys.active.kid, alg: 'ES256', use: 'sig' },
    ],
  });
});

test('auth does not start when a key was encrypted with another key encryption key', async () => {
  await using opened = await open();
  await findOrCreateSigningKeys({ em: opened.em, algorithm: 'ES256', keyEncryptionKey });
  const other = findOrCreateSigningKeys({ em: opened.em, algorithm: 'ES256', keyEncryptionKey: randomBytes(32) });
  await expect(other).rejects.toBeInstanceOf(SigningKeyUnreadableError);
  await expect(other).rejects.toThrow(/AUTH_KEY_ENCRYPTION_KEY/);
});

test('each algorithm has its own signing key, and the keys of the other algorithms stay published', async () => {
  await using opened = await open();
  for (const algorithm of SIGNING_ALGORITHMS) {
    const { active, all } = await findOrCreateSigningKeys({ em: opened.em, algorithm, keyEncryptionKey });
    const published = publicKeySet({ active, all });
    const signed = await new CompactSign(Buffer.from('signed'))
      .setProtectedHeader({ alg: algorithm, kid: active.kid })
      .sign(await importJWK(active, algorithm));
    expect(await compactVerify(signed, createLocalJWKSet(published))).toMatchObject({
      protectedHeader: { alg: algorithm },
    });
    for (const key of published.keys) expect(PRIVATE_JWK_MEMBERS.filter((member) => member in key)).toEqual([]);
  }
  const { all } = await findOrCreateSigningKeys({ em: opened.em, algorithm: 'ES256', keyEncryptionKey });
  expect(new Set(all.map(({ alg }) => alg))).toEqual(new Set(SIGNING_ALGORITHMS));
});

test('the key encryption key of a data directory is created once, in a file that only its owner can read', () => {
  using directory = makeTemporaryDirectory();
  const created = findOrCreateKeyEncryptionKey(directory.path);
  expect(created).toHaveLength(32);
  expect(findOrCreateKeyEncryptionKey(directory.path)).toEqual(created);
  const path = join(directory.path, 'key-encryption-key');
  expect(statSync(path).mode & 0o777).toBe(0o600);
  writeFileSync(path, 'too short');
  expect(() => findOrCreateKeyEncryptionKey(directory.path)).toThrow(/expected 32 bytes/);
  expect(readFileSync(path, 'utf8')).toBe('too short');
});

test('a key encryption key is accepted in base64, base64url or hex', () => {
  for (const encoding of ['base64', 'base64url', 'hex'] as const) {
    expect(KeyEncryptionKey.parse(`${keyEncryptionKey.toString(encoding)}\n`)).toEqual(keyEncryptionKey);
  }
  expect(KeyEncryptionKey.safeParse(randomBytes(31).toString('hex')).success).toBe(false);
});
