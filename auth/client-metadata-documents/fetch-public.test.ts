import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { createFetchPublic, isPublicAddress } from './fetch-public.ts';

/** Counts the connections to a port of loopback. */
async function listen() {
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  await once(
    server.listen(443, '127.0.0.1').on('error', () => server.listen(0, '127.0.0.1')),
    'listening',
  );
  return { count: () => connections, [Symbol.asyncDispose]: async () => void server.close() };
}

test.each([
  '127.0.0.1',
  '::1',
  '::ffff:127.0.0.1',
  '10.0.0.1',
  '172.16.0.1',
  '192.168.1.1',
  '169.254.169.254',
  '100.64.0.1',
  '0.0.0.0',
  'fe80::1',
  'fc00::1',
  '64:ff9b::7f00:1',
  '2002:7f00:1::',
  '224.0.0.1',
  '255.255.255.255',
  '198.18.0.1',
  'localhost',
  '',
])('%j is not a public address', (address) => {
  expect(isPublicAddress(address)).toBe(false);
});

test.each(['93.184.216.34', '2606:2800:220:1:248:1893:25c8:1946'])('%s is a public address', (address) => {
  expect(isPublicAddress(address)).toBe(true);
});

test('no connection is made to a host with an address that is not public, whatever its other addresses are', async () => {
  await using server = await listen();
  const fetchPublic = createFetchPublic({
    userAgent: 'test',
    resolve: (_hostname, _options, callback) =>
      callback(null, [
        { address: '93.184.216.34', family: 4 },
        { address: '127.0.0.1', family: 4 },
      ]),
  });
  await expect(fetchPublic('https://attacker.example/client.json', { maxBytes: 100 })).rejects.toThrow(
    'the host has an address that is not public',
  );
  expect(server.count()).toBe(0);
});

test.each([
  ['https://127.0.0.1/', 'expected a host name, not an address'],
  ['https://[::1]/', 'expected a host name, not an address'],
  ['https://[::ffff:127.0.0.1]/', 'expected a host name, not an address'],
  ['https://0x7f.1/', 'expected a host name, not an address'],
  ['https://2130706433/', 'expected a host name, not an address'],
  ['https://localhost/', 'the host has an address that is not public'],
  ['http://example.com/', 'expected an https URL without a port and a user name'],
  ['https://example.com:8443/', 'expected an https URL without a port and a user name'],
  ['https://user@example.com/', 'expected an https URL without a port and a user name'],
])('no connection is made to %s', async (url, message) => {
  await using server = await listen();
  await expect(createFetchPublic({ userAgent: 'test' })(url, { maxBytes: 100 })).rejects.toThrow(message);
  expect(server.count()).toBe(0);
});
