import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import * as z from 'zod';
import { makeTemporaryDirectory } from '../testing/temporary-directory.ts';
import { checkTogether, InvalidConfigurationError, readEnvironment, resolveEnvironment } from './environment.ts';
import { corsOrigins, databaseUrl, identifiers, port } from './variables.ts';

test('every invalid variable is named with what is expected, and no value is repeated', () => {
  const schema = z.object({ PORT: port, SECRET: z.string().min(40, '40 letters or more'), NAME: z.string('a name') });
  const read = () => readEnvironment(schema, { PORT: 'eighty', SECRET: 'hunter2' });
  expect(read).toThrow(InvalidConfigurationError);
  expect(read).toThrow(/PORT: expected a port number/);
  expect(read).toThrow(/SECRET: expected 40 letters or more/);
  expect(read).toThrow(/NAME: expected a name, but it is not set/);
  expect(read).not.toThrow(/hunter2/);
});

test('NAME_FILE reads the value of NAME from a file', () => {
  using directory = makeTemporaryDirectory();
  const file = join(directory.path, 'secret');
  writeFileSync(file, 'from-the-file\n');
  const schema = z.object({ SECRET: z.string() });
  const resolve = (environment: Record<string, string>) => readEnvironment(schema, resolveEnvironment(environment));
  expect(resolve({ SECRET_FILE: file })).toEqual({ SECRET: 'from-the-file' });
  expect(resolve({ SECRET_FILE: file, SECRET: '' })).toEqual({ SECRET: 'from-the-file' });
  expect(() => resolve({ SECRET_FILE: file, SECRET: 'both' })).toThrow(/not both/);
  expect(() => resolve({ SECRET_FILE: `${file}.gone` })).toThrow(
    /SECRET: expected SECRET_FILE to name a readable file/,
  );
  expect(resolve({ SECRET: 'given', OTHERS_FILE: `${file}.gone` })).toEqual({ SECRET: 'given' });
});

test('white space around a value is removed, however it is given', () => {
  using directory = makeTemporaryDirectory();
  const file = join(directory.path, 'secret');
  writeFileSync(file, '\uFEFFfrom-the-file\r\n');
  const schema = z.object({ SECRET: z.string(), OTHER: z.string(), EMPTY: z.string().optional() });
  const environment = resolveEnvironment({ SECRET_FILE: `${file}\n`, OTHER: ' given\r\n', EMPTY: '\n' });
  expect(readEnvironment(schema, environment)).toEqual({ SECRET: 'from-the-file', OTHER: 'given' });
});

test.each([`\${SECRET}`, `\${env:SECRET}`, '%SECRET%', '{{secret}}', '{env:SECRET}'])(
  'the name of a variable is rejected as a value: %s',
  (SECRET) => {
    const read = () => readEnvironment(z.object({ SECRET: z.string() }), { SECRET });
    expect(read).toThrow(
      /SECRET: expected a value, not a placeholder\. Set the variable that it names where this process is started$/,
    );
  },
);

test('the variables that Kubernetes sets for a Service count as absent', () => {
  using directory = makeTemporaryDirectory();
  const file = join(directory.path, 'port');
  writeFileSync(file, '4001');
  const environment = resolveEnvironment({
    AUTH_PORT: 'tcp://10.96.12.7:3000',
    API_PORT: 'tcp://10.96.12.8:3001',
    API_PORT_FILE: file,
    MCP_PORT: 'udp://[fd00::7]:3002',
  });
  const schema = z.object({
    ...identifiers(environment),
    AUTH_PORT: port.default(3000),
    API_PORT: port,
    MCP_PORT: port.optional(),
  });
  expect(readEnvironment(schema, environment)).toEqual({
    ALLOW_INSECURE_HTTP: 'false',
    AUTH_ISSUER: 'http://localhost:3000',
    API_RESOURCE: 'http://localhost:4001/api/v1',
    MCP_RESOURCE: 'http://localhost:3002/mcp',
    AUTH_PORT: 3000,
    API_PORT: 4001,
  });
});

test.each(['http://10.96.12.7:3000', '10.96.12.7:3000', 'tcp:3000'])('AUTH_PORT=%s is rejected', (AUTH_PORT) => {
  const environment = resolveEnvironment({ AUTH_PORT });
  expect(() => readEnvironment(z.object({ AUTH_PORT: port }), environment)).toThrow(
    /AUTH_PORT: expected a port number/,
  );
});

test('a default or rule that depends on a variable also depends on its file', () => {
  using directory = makeTemporaryDirectory();
  const inFile = (name: string, text: string) => {
    writeFileSync(join(directory.path, name), text);
    return join(directory.path, name);
  };
  const environment = resolveEnvironment({
    AUTH_PORT_FILE: inFile('port', '4000'),
    ALLOW_INSECURE_HTTP_FILE: inFile('insecure', 'true'),
    API_RESOURCE: 'http://api.example/v1',
  });
  expect(readEnvironment(z.object(identifiers(environment)), environment)).toMatchObject({
    AUTH_ISSUER: 'http://localhost:4000',
    API_RESOURCE: 'http://api.example/v1',
  });
});

test('the problems of several configurations are reported at once', () => {
  const check = () =>
    checkTogether([
      () => readEnvironment(z.object({ ONE: port }), { ONE: '80000' }),
      () => readEnvironment(z.object({ TWO: port }), { TWO: '-1' }),
      () => readEnvironment(z.object({ THREE: port }), { THREE: '3' }),
    ]);
  expect(check).toThrow(/ONE: expected .*\n {2}TWO: expected/);
  expect(check).not.toThrow(/THREE/);
});

test.each(['0', '65536', '-1', '80.5', 'eighty'])('a port %s is rejected', (PORT) => {
  expect(() => readEnvironment(z.object({ PORT: port }), { PORT })).toThrow(/expected a port number, 1 to 65535$/);
});

test.each(['postgresql://[bad/x', 'postgresql://user:%zz@host/x', 'mysql://host/x', 'host', 'redis://host'])(
  'a database URL %s is rejected, and not repeated',
  (URL) => {
    const read = () => readEnvironment(z.object({ URL: databaseUrl }), { URL });
    expect(read).toThrow(/URL: expected a postgresql:\/\/ URL$/);
  },
);

test.each(['postgresql://user:p%40ss@[::1]:5432/x', 'postgres://host', 'postgresql:///x?host=/run'])(
  'a database URL %s is accepted',
  (URL) => {
    expect(readEnvironment(z.object({ URL: databaseUrl }), { URL })).toEqual({ URL });
  },
);

test.each([
  ['https://app.example', ['https://app.example']],
  ['https://app.example, http://localhost:5173', ['https://app.example', 'http://localhost:5173']],
  [' HTTPS://App.Example:443,\nhttp://[::1]:80 ', ['https://app.example', 'http://[::1]']],
])('the origins %j are normalized as browsers send them', (ORIGINS, expected) => {
  expect(readEnvironment(z.object({ ORIGINS: corsOrigins }), { ORIGINS })).toEqual({ ORIGINS: new Set(expected) });
});

test('* allows every origin, and an absent variable none', () => {
  const schema = z.object({ ORIGINS: corsOrigins });
  expect(readEnvironment(schema, { ORIGINS: '*' })).toEqual({ ORIGINS: '*' });
  expect(readEnvironment(schema, { ORIGINS: '' })).toEqual({});
});

test.each([
  'app.example',
  'https://',
  'https://app.example/',
  'https://app.example/todos',
  'https://app.example?x',
  'https://app.example#x',
  'https://user@app.example',
  'https://app.example:99999',
  'https://*.example',
  'https://app.example *',
  'https://app.example,ftp://app.example',
  'null',
  ',',
])('the origins %j are rejected', (ORIGINS) => {
  expect(() => readEnvironment(z.object({ ORIGINS: corsOrigins }), { ORIGINS })).toThrow(
    /ORIGINS: expected \* or origins such as https:\/\/app\.example\.com, separated by spaces or commas$/,
  );
});

test('an empty variable counts as absent', () => {
  expect(readEnvironment(z.object({ PORT: port.default(3000) }), { PORT: '' })).toEqual({ PORT: 3000 });
});

const read = (environment: Record<string, string>) => readEnvironment(z.object(identifiers(environment)), environment);

test('identifiers have no trailing slash, and their defaults follow the ports', () => {
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
])('an issuer %s is rejected unless insecure http is allowed', (AUTH_ISSUER) => {
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
  'https://user:password@auth.example.com',
  'https://user@auth.example.com',
  'ftp://localhost',
])('an issuer %s is rejected', (AUTH_ISSUER) => {
  expect(() => read({ AUTH_ISSUER })).toThrow(/AUTH_ISSUER: expected/);
});
