import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeTemporaryDirectory } from '../testing/temporary-directory.ts';
import { replacePrivateFile, writePrivateFile } from './private-file.ts';

test('a private file is readable by its owner alone, and an existing file is kept', () => {
  using directory = makeTemporaryDirectory();
  const path = join(directory.path, 'new', 'secret');
  expect(writePrivateFile(path, () => 'first')).toBe(true);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(writePrivateFile(path, () => 'second')).toBe(false);
  expect(readFileSync(path, 'utf8')).toBe('first');
  expect(readdirSync(join(directory.path, 'new'))).toEqual(['secret']);
});

test('a private file is replaced atomically, and stays private', () => {
  using directory = makeTemporaryDirectory();
  const path = join(directory.path, 'secret');
  writePrivateFile(path, () => 'first');
  replacePrivateFile(path, 'second');
  expect([readFileSync(path, 'utf8'), statSync(path).mode & 0o777]).toEqual(['second', 0o600]);
  expect(readdirSync(directory.path)).toEqual(['secret']);
});
