import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeTemporaryDirectory } from '../../shared/testing/temporary-directory.ts';
import { findOrCreateKeyEncryptionKeys, KeyEncryptionKeys } from './key-encryption-key.ts';

test('a key is created for its owner alone, and found again', () => {
  using directory = makeTemporaryDirectory();
  const data = join(directory.path, 'data');
  const keys = findOrCreateKeyEncryptionKeys(data);
  expect(keys.map(({ length }) => length)).toEqual([32]);
  expect(findOrCreateKeyEncryptionKeys(data)).toEqual(keys);
  expect(statSync(data).mode & 0o777).toBe(0o700);
  expect(statSync(join(data, 'key-encryption-key')).mode & 0o777).toBe(0o600);
});

test('a key is neither created in a directory that others can read, nor read from a file that they can write', () => {
  using directory = makeTemporaryDirectory();
  const data = join(directory.path, 'data');
  const path = join(data, 'key-encryption-key');
  mkdirSync(data);
  chmodSync(data, 0o755);
  expect(() => findOrCreateKeyEncryptionKeys(data)).toThrow(`Run: chmod 700 '${data}'`);
  expect(existsSync(path)).toBe(false);
  chmodSync(data, 0o700);
  writeFileSync(path, 'A'.repeat(43));
  chmodSync(path, 0o620);
  expect(() => findOrCreateKeyEncryptionKeys(data)).toThrow(`Run: chmod 600 '${path}'`);
});

test('what is not a key is not replaced', () => {
  using directory = makeTemporaryDirectory();
  findOrCreateKeyEncryptionKeys(directory.path);
  const path = join(directory.path, 'key-encryption-key');
  writeFileSync(path, 'too short');
  expect(() => findOrCreateKeyEncryptionKeys(directory.path)).toThrow(/expected 32 bytes/);
  expect(readFileSync(path, 'utf8')).toBe('too short');
});

test('keys are accepted in base64, base64url and hex, several with commas or white space between them', () => {
  const [one, other] = [randomBytes(32), randomBytes(32)];
  for (const encoding of ['base64', 'base64url', 'hex'] as const) {
    expect(KeyEncryptionKeys.parse(`${one.toString(encoding)}\n`)).toEqual([one]);
    for (const separator of [',', ' ', '\n', ' , ']) {
      const text = one.toString(encoding) + separator + other.toString('base64');
      expect(KeyEncryptionKeys.parse(text)).toEqual([one, other]);
    }
  }
  const short = randomBytes(31).toString('hex');
  for (const text of ['', ',', short, `${one.toString('hex')},${short}`])
    expect(KeyEncryptionKeys.safeParse(text).success, text).toBe(false);
});
