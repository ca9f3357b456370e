import { chmodSync, chownSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeTemporaryDirectory } from '../testing/temporary-directory.ts';
import { requirePrivateDirectory, requirePrivateFile } from './private-directory.ts';

test('a directory is created for its owner alone', () => {
  using directory = makeTemporaryDirectory();
  const path = join(directory.path, 'a', 'data');
  requirePrivateDirectory(path);
  expect(statSync(path).mode & 0o777).toBe(0o700);
  expect(() => requirePrivateDirectory(path)).not.toThrow();
});

test.each([0o755, 0o750, 0o701, 0o777])('an existing directory with mode %o is rejected', (mode) => {
  using directory = makeTemporaryDirectory();
  const path = join(directory.path, "it's data");
  mkdirSync(path);
  chmodSync(path, mode);
  expect(() => requirePrivateDirectory(path)).toThrow(
    `Other users have access to the directory ${path}. Run: chmod 700 '${path.replace("'", `'\\''`)}'`,
  );
});

test.each([0o620, 0o602, 0o666])('a file with mode %o is rejected', (mode) => {
  using directory = makeTemporaryDirectory();
  const path = join(directory.path, 'admin-client.env');
  writeFileSync(path, '');
  expect(() => requirePrivateFile(path)).not.toThrow();
  chmodSync(path, mode);
  expect(() => requirePrivateFile(path)).toThrow(
    `Other users have access to the file ${path}. Run: chmod 600 '${path}'`,
  );
});

test('a directory and a file of another user are rejected', ({ skip }) => {
  if (process.getuid?.() !== 0) skip('only root can give a file to another user');
  using directory = makeTemporaryDirectory();
  const [data, file] = [join(directory.path, 'data'), join(directory.path, 'file')];
  mkdirSync(data, { mode: 0o700 });
  writeFileSync(file, '', { mode: 0o600 });
  for (const path of [data, file]) chownSync(path, 65_534, 65_534);
  expect(() => requirePrivateDirectory(data)).toThrow(
    `belongs to another user (uid 65534). Run this command as that user, or run: chown -R 0 '${data}'`,
  );
  expect(() => requirePrivateFile(file)).toThrow(
    `belongs to another user (uid 65534). Run this command as that user, or run: chown -R 0 '${file}'`,
  );
});
