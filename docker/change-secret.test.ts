import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeTemporaryDirectory } from '../shared/testing/temporary-directory.ts';
import { changeSecret } from './change-secret.ts';
import { makeSecrets } from './make-secrets.ts';

const NAMES = ['auth-password', 'api-password', 'key-encryption-key', 'api-client-secret', 'mcp-client-secret'];
const STEPS = ['add', 'use', 'remove', 'finish'];

/** Makes the volumes of an installation at their first start. */
function openSecrets() {
  const directory = makeTemporaryDirectory();
  makeSecrets(directory.path, () => undefined);
  return {
    path: directory.path,
    read: (file: string) => readFileSync(join(directory.path, file), 'utf8').trim(),
    mode: (file: string) => statSync(join(directory.path, file)).mode & 0o777,
    step: (name: string, step: string) => changeSecret(directory.path, name, step),
    [Symbol.dispose]: () => directory[Symbol.dispose](),
  };
}

const readAll = (directory: string) =>
  Object.fromEntries(
    readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name))
      .map((path) => [path.slice(directory.length + 1), readFileSync(path, 'utf8').trim()]),
  );

test.each(['api', 'mcp'])(
  'the secret of %s: auth accepts both before the service changes, and one after it',
  (service) => {
    using secrets = openSecrets();
    const [inAuth, own] = [`auth/${service}-client-secret`, `${service}/client-secret`];
    const old = secrets.read(own);
    secrets.step(`${service}-client-secret`, 'add');
    const next = secrets.read(`${inAuth}.next`);
    expect(next).toMatch(/^[\w-]{43}$/);
    expect([secrets.read(inAuth), secrets.read(own)]).toEqual([`${old},${next}`, old]);
    secrets.step(`${service}-client-secret`, 'use');
    expect([secrets.read(inAuth), secrets.read(own)]).toEqual([`${old},${next}`, next]);
    secrets.step(`${service}-client-secret`, 'remove');
    expect([secrets.read(inAuth), secrets.read(own)]).toEqual([next, next]);
  },
);

test('the key encryption key: every process knows the new key before one encrypts with it, and the old one is kept', () => {
  using secrets = openSecrets();
  const file = 'auth/key-encryption-key';
  const used: string[] = [];
  for (let change = 0; change < 2; change += 1) {
    const old = secrets.read(file);
    used.push(old);
    secrets.step('key-encryption-key', 'add');
    const next = secrets.read(`${file}.next`);
    expect(secrets.read(file)).toBe(`${old},${next}`);
    secrets.step('key-encryption-key', 'use');
    expect(secrets.read(file)).toBe(`${next},${old}`);
    secrets.step('key-encryption-key', 'remove');
    expect(secrets.read(file)).toBe(next);
    secrets.step('key-encryption-key', 'finish');
    expect(secrets.read('auth/previous-key-encryption-keys').split('\n')).toEqual(used);
    expect(secrets.mode('auth/previous-key-encryption-keys')).toBe(0o600);
  }
});

test.each(['auth', 'api'])('the password of %s: meanwhile the service logs in with the other role', (role) => {
  using secrets = openSecrets();
  const url = `${role}/database-url`;
  const at = (user: string, password: string) =>
    `postgresql://${user}:${password}@postgres:5432/${role}?sslmode=disable`;
  // what the operator added stays
  writeFileSync(join(secrets.path, url), `${secrets.read(url)}?sslmode=disable\n`);
  const old = secrets.read(`postgres/${role}-password`);
  secrets.step(`${role}-password`, 'add');
  const next = secrets.read(`postgres/${role}-password.next`);
  expect(secrets.mode(`postgres/${role}-password.next`)).toBe(0o640);
  expect(secrets.read(url)).toBe(at(role, old));
  secrets.step(`${role}-password`, 'use');
  expect(secrets.read(url)).toBe(at(`${role}_next`, next));
  expect(secrets.read(`postgres/${role}-password`)).toBe(old);
  secrets.step(`${role}-password`, 'remove');
  expect(secrets.read(url)).toBe(at(role, next));
  expect(secrets.read(`postgres/${role}-password`)).toBe(next);
  expect(secrets.mode(`postgres/${role}-password`)).toBe(0o640);
});

test.each(NAMES)('%s: after an interruption at any place all steps again complete the same change', (name) => {
  using secrets = openSecrets();
  secrets.step(name, 'add');
  using complete = makeTemporaryDirectory();
  for (let done = 1; done < STEPS.length; done += 1) {
    using interrupted = makeTemporaryDirectory();
    cpSync(secrets.path, interrupted.path, { recursive: true });
    for (const step of STEPS.slice(0, done)) changeSecret(interrupted.path, name, step);
    // what a start does in between
    makeSecrets(interrupted.path, () => expect.unreachable());
    for (const step of STEPS) changeSecret(interrupted.path, name, step);
    if (done === 1) cpSync(interrupted.path, complete.path, { recursive: true });
    expect(readAll(interrupted.path)).toEqual(readAll(complete.path));
    expect(Object.keys(readAll(interrupted.path)).filter((file) => file.includes('.next'))).toEqual([]);
  }
});

test('a service that lost its volume in the middle of a change gets the secret that auth knows already', () => {
  using secrets = openSecrets();
  const old = secrets.read('mcp/client-secret');
  secrets.step('mcp-client-secret', 'add');
  rmSync(join(secrets.path, 'mcp'), { recursive: true });
  makeSecrets(secrets.path, () => undefined);
  expect(secrets.read('mcp/client-secret')).toBe(old);
});

test.each([
  ['mcp-client-secret', 'use'],
  ['auth-password', 'remove'],
])('%s: the step %s is refused when the first step was left out', (name, step) => {
  using secrets = openSecrets();
  const before = readAll(secrets.path);
  expect(() => secrets.step(name, step)).toThrow('.next does not exist: begin with the step add');
  expect(readAll(secrets.path)).toEqual(before);
});

test.each([
  ['postgres-password', 'add'],
  ['mcp-client-secret', 'all'],
])('%s %s is refused', (name, step) => {
  using secrets = openSecrets();
  expect(() => secrets.step(name, step)).toThrow('expected auth-password|');
});

test('secrets that exist are kept, and what is missing is created', () => {
  using directory = makeTemporaryDirectory();
  mkdirSync(join(directory.path, 'mcp'));
  writeFileSync(join(directory.path, 'mcp/client-secret'), 'given\n', { mode: 0o600 });
  const created: string[] = [];
  makeSecrets(directory.path, (path) => created.push(path));
  expect(created).toHaveLength(8);
  expect(readFileSync(join(directory.path, 'auth/mcp-client-secret'), 'utf8')).toBe('given\n');
  const before = readAll(directory.path);
  makeSecrets(directory.path, () => expect.unreachable());
  expect(readAll(directory.path)).toEqual(before);
});
