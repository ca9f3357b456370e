import { expect, test } from 'vitest';
import { readAuthConfig } from './config.ts';

test.each(['loopback', '10.0.0.1', '10.0.0.0/8, fd00::/8', 'uniquelocal 192.0.2.7'])('%s can be trusted', (value) => {
  expect(readAuthConfig({ AUTH_TRUSTED_PROXIES: value }).AUTH_TRUSTED_PROXIES).toBeInstanceOf(Function);
});

test('without a list no proxy is trusted', () => {
  expect(readAuthConfig({}).AUTH_TRUSTED_PROXIES).toBeUndefined();
  expect(readAuthConfig({ AUTH_TRUSTED_PROXIES: '' }).AUTH_TRUSTED_PROXIES).toBeUndefined();
});

test.each(['proxy.example.com', '10.0.0.0/33', '10.0.0', 'true', '*'])('%s is a configuration error', (value) => {
  expect(() => readAuthConfig({ AUTH_TRUSTED_PROXIES: value })).toThrow(
    /AUTH_TRUSTED_PROXIES: expected addresses, networks such as 10\.0\.0\.0\/8/,
  );
});

const [OLD, NEW] = ['o'.repeat(43), 'n'.repeat(43)];

test.each([`${NEW},${OLD}`, `${NEW} ${OLD}\n`])('a client may have an old and a new secret: %s', (value) => {
  expect(readAuthConfig({ MCP_CLIENT_SECRET: value }).MCP_CLIENT_SECRET).toEqual([NEW, OLD]);
});

test.each(['short', `${NEW},short`, ',', `${NEW}+`])('the client secret %s is rejected, and not repeated', (value) => {
  let message = '';
  try {
    readAuthConfig({ MCP_CLIENT_SECRET: value });
  } catch (error) {
    message = String(error);
  }
  expect(message).toContain('MCP_CLIENT_SECRET: expected 43 or more characters of base64url');
  for (const secret of [NEW, 'short']) expect(message).not.toContain(secret);
});

test('two clients may share none of their secrets', () => {
  const shared = { API_CLIENT_SECRET: `${NEW},${OLD}`, MCP_CLIENT_SECRET: OLD };
  expect(() => readAuthConfig(shared)).toThrow('API_CLIENT_SECRET: expected another secret than MCP_CLIENT_SECRET');
});
