import { expect, test } from 'vitest';
import { createConnectionOptions, describeDatabase } from './connection-options.ts';
import { InvalidDatabaseUrlError, parseDatabaseUrl } from './database-url.ts';

test.each([
  ['postgresql://api:p%40ss@db.example:6432/todos', { host: 'db.example', port: 6432, user: 'api', password: 'p@ss' }],
  ['postgres://[::1]/todos', { host: '::1', port: undefined, database: 'todos', tls: undefined }],
  ['postgresql:///todos?host=/run/postgresql&user=api', { host: '/run/postgresql', user: 'api', database: 'todos' }],
  ['postgresql://api:secret@/todos?host=/run&port=6432', { host: '/run', port: 6432, password: 'secret' }],
  ['postgresql://%2Frun%2Fpostgresql/todos', { host: '/run/postgresql', database: 'todos' }],
  ['postgresql://h/d?application_name=a&options=-c%20x%3D1', { applicationName: 'a', options: '-c x=1' }],
  ['postgresql://h/d?password=a+b/c=&sslrootcert=/a+b', { password: 'a+b/c=', tls: { rootCertificateFile: '/a+b' } }],
  ['postgresql://u:a+b@h/d', { password: 'a+b' }],
  ['postgresql://h/d?channel_binding=prefer', { channelBinding: true }],
  ['postgresql://h/d?sslmode=disable', { tls: expect.objectContaining({ mode: 'disable' }) }],
  ['postgresql://h/d?sslmode=require&uselibpqcompat=true', { tls: expect.objectContaining({ mode: 'require' }) }],
  ['postgresql://h/d?sslrootcert=/ca', { tls: { mode: 'verify-full', rootCertificateFile: '/ca' } }],
  ['postgresql://h/d?sslmode=verify-full&sslrootcert=system', { tls: { mode: 'verify-full' } }],
  ['postgresql://h/d?sslcert=/c&sslkey=/k', { tls: { mode: 'verify-full', certificateFile: '/c', keyFile: '/k' } }],
])('%s is parsed', (url, expected) => {
  expect(parseDatabaseUrl(url)).toMatchObject(expected);
});

test.each([
  ['sslmode=prefer', 'sslmode to be one of disable, require, verify-ca, verify-full, no-verify'],
  ['sslmode=allow', 'sslmode to be one of disable, require, verify-ca, verify-full, no-verify'],
  ['sslmode=', 'sslmode to be one of disable, require, verify-ca, verify-full, no-verify'],
  ['sslmode=verify-full&sslmode=prefer', 'sslmode to be one of'],
  ['sslmode=verify-ca', 'sslrootcert with sslmode=verify-ca'],
  ['sslmode=require&sslrootcert=system', 'sslmode=verify-full with sslrootcert=system'],
  ['sslcert=/c', 'both sslcert and sslkey, or neither'],
  ['sslkey=/k', 'both sslcert and sslkey, or neither'],
  ['sslmode=require&channel_binding=require', 'sslmode=verify-full with channel_binding=require'],
  ['uselibpqcompat=false', 'uselibpqcompat to be true'],
  ['port=five', 'a port number in the parameter port'],
  ['port=70000', 'a port number in the parameter port'],
  ['host=', 'a value for the parameter host'],
  ['sslcrl=/crl', 'no parameters but host, port, user, password, application_name, options, sslmode'],
  ['hunter2=hunter2', 'no parameters but host'],
])('the parameters %s are rejected, and not repeated', (parameters, expected) => {
  const parse = () => parseDatabaseUrl(`postgresql://api:hunter2@db.example/todos?${parameters}`);
  expect(parse).toThrow(InvalidDatabaseUrlError);
  expect(parse).toThrow(`expected ${expected}`);
  expect(parse).not.toThrow(/hunter2/);
});

test.each(['/todos?application_name=x#y&sslmode=verify-full', '/x#y?sslmode=verify-full', '/todos#'])(
  'a URL that ends with %s is rejected: what follows # would have no effect',
  (rest) => {
    expect(() => parseDatabaseUrl(`postgresql://db.example${rest}`)).toThrow('expected # to be written as %23');
    expect(parseDatabaseUrl('postgresql://db.example/a%23b?password=a%23b')).toMatchObject({
      database: 'a#b',
      password: 'a#b',
    });
  },
);

test.each([
  ['postgresql://api:hunter2@db.example/todos', { database: '"todos"', server: 'db.example:5432' }],
  ['postgresql://api:hunter2@[::1]:6432/todos', { database: '"todos"', server: '[::1]:6432' }],
  ['postgresql://api:hunter2@/todos?host=/run', { database: '"todos"', server: '/run' }],
  ['postgresql://api:hunter2@db.example', { database: '"api"', server: 'db.example:5432' }],
])('%s is described without its password', (url, expected) => {
  expect(describeDatabase(url)).toEqual(expected);
});

test('a certificate that cannot be read is named with its parameter', () => {
  const url = 'postgresql://h/d?sslmode=verify-full&sslrootcert=/missing/ca.pem';
  expect(() => createConnectionOptions(url)).toThrow(
    'cannot read /missing/ca.pem, which the parameter sslrootcert of a database URL names',
  );
});
