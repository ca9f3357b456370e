import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import * as z from 'zod';
import { makeTemporaryDirectory } from '../testing/temporary-directory.ts';
import { InvalidConfiguration, readEnvironment } from './environment.ts';
import { identifiers, port } from './variables.ts';

test('every variable that is wrong is named with what was expected, and no value is repeated', () => {
  const schema = z.object({ PORT: port, SECRET: z.string().min(40, '40 letters or more'), NAME: z.string('a name') });
  const read = () => readEnvironment(schema, { PORT: 'eighty', SECRET: 'hunter2' });
  expect(read).toThrow(InvalidConfiguration);
  expect(read).toThrow(/PORT: expected a port number/);
  expect(read).toThrow(/SECRET: expected 40 letters or more/);
  expect(read).toThrow(/NAME: expected a name, and it is not set/);
  expect(read).not.toThrow(/hunter2/);
});

test('a variable may come from the file that NAME_FILE names', () => {
  using directory = makeTemporaryDirectory();
  const file = join(directory.path, 'secret');
  writeFileSync(file, 'from-the-file\n');
  const schema = z.object({ SECRET: z.string() });
  expect(readEnvironment(schema, { SECRET_FILE: file })).toEqual({ SECRET: 'from-the-file' });
  expect(() => readEnvironment(schema, { SECRET_FILE: file, SECRET: 'both' })).toThrow(/not both/);
  expect(() => readEnvironment(schema, { SECRET_FILE: `${file}.gone` })).toThrow(
    /SECRET: expected SECRET_FILE to name a readable file/,
  );
});

test('an empty variable counts as absent', () => {
  expect(readEnvironment(z.object({ PORT: port.default(3000) }), { PORT: '' })).toEqual({ PORT: 3000 });
});

const read = (environment: Record<string, string>) => readEnvironment(z.object(identifiers(environment)), environment);

test('identifiers are kept without a trailing slash, and follow the ports', () => {
  expect(read({ AUTH_PORT: '4000', API_RESOURCE: 'https://API.example.com/v2/' })).toEqual({
    AUTH_ISSUER: 'http://localhost:4000',
    API_RESOURCE: 'https://api.example.com/v2',
    MCP_RESOURCE: 'http://localhost:3002/mcp',
    ALLOW_INSECURE_HTTP: 'false',
  });
});

test.each([
  'http://auth.example.com',
  'http://127.0.0.1.example.com',
  'http://localhost.example.com',
  'http://10.0.0.1',
])('an issuer %s is refused unless insecure http is allowed', (AUTH_ISSUER) => {
  expect(() => read({ AUTH_ISSUER })).toThrow(/AUTH_ISSUER: expected an https URL/);
  expect(read({ AUTH_ISSUER, ALLOW_INSECURE_HTTP: 'true' })).toMatchObject({ AUTH_ISSUER });
});

test.each(['http://localhost:3000', 'http://127.0.0.1:3000', 'http://[::1]:3000', 'https://auth.example.com'])(
  'an issuer %s is accepted',
  (AUTH_ISSUER) => {
    expect(read({ AUTH_ISSUER })).toMatchObject({ AUTH_ISSUER });
  },
);

test.each([
  'https://auth.example.com/tenant',
  'https://auth.example.com?x=1',
  'https://auth.example.com#x',
  'auth.example.com',
  'ftp://localhost',
])('an issuer %s is refused', (AUTH_ISSUER) => {
  expect(() => read({ AUTH_ISSUER })).toThrow(/AUTH_ISSUER: expected/);
});
