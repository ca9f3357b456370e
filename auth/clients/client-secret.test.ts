import { expect, test } from 'vitest';
import { createClientSecret, hashClientSecret, isClientSecret } from './client-secret.ts';

test('a secret has 256 random bits and needs no escaping', () => {
  const secrets = Array.from({ length: 100 }, createClientSecret);
  expect(new Set(secrets).size).toBe(100);
  for (const secret of secrets) {
    expect(secret).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(Buffer.from(secret, 'base64url')).toHaveLength(32);
  }
});

test('only the secret itself matches its hash', () => {
  const secret = createClientSecret();
  const stored = hashClientSecret(secret);
  expect(stored).not.toContain(secret);
  expect(isClientSecret(secret, stored)).toBe(true);
  expect(isClientSecret(stored, stored)).toBe(false);
  expect(isClientSecret(`${secret} `, stored)).toBe(false);
  expect(isClientSecret('', stored)).toBe(false);
});
