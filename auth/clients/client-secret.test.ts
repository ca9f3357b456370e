import { expect, test } from 'vitest';
import { createClientSecret, hashClientSecret, isClientSecret } from './client-secret.ts';

test('a secret is 256 random bits in letters that need no escaping', () => {
  const secrets = Array.from({ length: 100 }, createClientSecret);
  expect(new Set(secrets).size).toBe(100);
  for (const secret of secrets) {
    expect(secret).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(Buffer.from(secret, 'base64url')).toHaveLength(32);
  }
});

test('only the secret itself matches its hash', () => {
  const secret = createClientSecret();
  const kept = hashClientSecret(secret);
  expect(kept).not.toContain(secret);
  expect(isClientSecret(secret, kept)).toBe(true);
  expect(isClientSecret(kept, kept)).toBe(false);
  expect(isClientSecret(`${secret} `, kept)).toBe(false);
  expect(isClientSecret('', kept)).toBe(false);
});
