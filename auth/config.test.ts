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
