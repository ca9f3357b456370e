import { chmodSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeTemporaryDirectory } from '../../shared/testing/temporary-directory.ts';
import { findOrCreateKeyEncryptionKey } from './key-encryption-key.ts';

test('a key is created for its owner alone, and found again', () => {
  using directory = makeTemporaryDirectory();
  const data = join(directory.path, 'data');
  const key = findOrCreateKeyEncryptionKey(data);
  expect(key).toHaveLength(32);
  expect(findOrCreateKeyEncryptionKey(data)).toEqual(key);
  expect(statSync(data).mode & 0o777).toBe(0o700);
  expect(statSync(join(data, 'key-encryption-key')).mode & 0o777).toBe(0o600);
});

test('a key is neither created in a directory that others can read, nor read from a file that they can write', () => {
  using directory = makeTemporaryDirectory();
  const data = join(directory.path, 'data');
  const path = join(data, 'key-encryption-key');
  mkdirSync(data);
  chmodSync(data, 0o755);
  expect(() => findOrCreateKeyEncryptionKey(data)).toThrow(`Run: chmod 700 '${data}'`);
  expect(existsSync(path)).toBe(false);
  chmodSync(data, 0o700);
  writeFileSync(path, 'A'.repeat(43));
  chmodSync(path, 0o620);
  expect(() => findOrCreateKeyEncryptionKey(data)).toThrow(`Run: chmod 600 '${path}'`);
});
