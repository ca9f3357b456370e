import { hash, randomBytes, timingSafeEqual } from 'node:crypto';

/** Makes a client secret of 256 random bits, in letters that need no escaping in a form, a header or a shell. */
export function createClientSecret(): string {
  return randomBytes(32).toString('base64url');
}

/**
 * What is kept of a secret. One SHA-256 is enough because the secret is random, not chosen: there is nothing to guess
 * from, and a slow hash would only slow down the honest.
 */
export function hashClientSecret(secret: string): string {
  return `sha256:${hash('sha256', secret, 'base64url')}`;
}

/** Compares a presented secret with a kept hash, in a time that does not depend on where they differ. */
export function isClientSecret(presented: string, secretHash: string): boolean {
  const actual = Buffer.from(hashClientSecret(presented));
  const expected = Buffer.from(secretHash);
  return actual.length === expected.length && timingSafeEqual(actual, expected);
}
