import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { InsecureFileError } from '../../shared/configuration/private-directory.ts';
import { makeTemporaryDirectory } from '../../shared/testing/temporary-directory.ts';
import { credentialsPath, findOrCreateCredentials, readCredentials, replaceCredentials } from './credentials-file.ts';

const PLANTED = `OAUTH_CLIENT_ID=admin\nOAUTH_CLIENT_SECRET=${'x'.repeat(43)}\n`;

/** What reads or writes the credentials of `admin` in a directory. */
const USES = [
  ['created', (data: string) => findOrCreateCredentials(data, 'admin')],
  ['read', (data: string) => readCredentials(data, 'admin')],
  [
    'replaced',
    (data: string) => replaceCredentials(data, { OAUTH_CLIENT_ID: 'admin', OAUTH_CLIENT_SECRET: 'y'.repeat(43) }),
  ],
] as const;

test('credentials are created, read and replaced in a private directory', () => {
  using directory = makeTemporaryDirectory();
  const data = join(directory.path, 'data');
  const created = findOrCreateCredentials(data, 'admin');
  expect(statSync(data).mode & 0o777).toBe(0o700);
  expect(statSync(credentialsPath(data, 'admin')).mode & 0o777).toBe(0o600);
  expect(readCredentials(data, 'admin')).toEqual(created);
  const replaced = { ...created, OAUTH_CLIENT_SECRET: 'y'.repeat(43) };
  expect(replaceCredentials(data, replaced)).toBe(credentialsPath(data, 'admin'));
  expect(readCredentials(data, 'admin')).toEqual(replaced);
});

test.each(USES)('credentials in a directory that others can write are not %s', (_what, use) => {
  using directory = makeTemporaryDirectory();
  const data = join(directory.path, 'data');
  mkdirSync(data);
  chmodSync(data, 0o777);
  writeFileSync(credentialsPath(data, 'admin'), PLANTED);
  expect(() => use(data)).toThrow(InsecureFileError);
  expect(() => use(data)).toThrow(`Run: chmod 700 '${data}'`);
  expect(readFileSync(credentialsPath(data, 'admin'), 'utf8')).toBe(PLANTED);
});

test.each(USES)('credentials in a file that others can write are not %s', (_what, use) => {
  using directory = makeTemporaryDirectory();
  const path = credentialsPath(directory.path, 'admin');
  writeFileSync(path, PLANTED);
  chmodSync(path, 0o666);
  expect(() => use(directory.path)).toThrow(`Run: chmod 600 '${path}'`);
  expect(readFileSync(path, 'utf8')).toBe(PLANTED);
});

test.each(USES)('credentials that another user wrote are not %s', (_what, use) => {
  if (process.getuid?.() !== 0) return;
  using directory = makeTemporaryDirectory();
  const path = credentialsPath(directory.path, 'admin');
  writeFileSync(path, PLANTED);
  chownSync(path, 65_534, 65_534);
  expect(() => use(directory.path)).toThrow(`The file ${path} belongs to another user (uid 65534).`);
});

test('no secret is written into a directory that others can read', () => {
  using directory = makeTemporaryDirectory();
  const data = join(directory.path, 'data');
  mkdirSync(data);
  chmodSync(data, 0o755);
  expect(() => findOrCreateCredentials(data, 'admin')).toThrow(`Run: chmod 700 '${data}'`);
  expect(existsSync(credentialsPath(data, 'admin'))).toBe(false);
});
