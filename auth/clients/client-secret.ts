import { hash, randomBytes, timingSafeEqual } from 'node:crypto';

/**
 * What a declared client secret must look like: the base64url of at least 256 random bits. Because every secret is that
 * long, a correct one is accepted also while its client is limited (client-authentication-rate-limit.ts).
 */
export const CLIENT_SECRET = /^[A-Za-z0-9_-]{43,}$/;

/** Creates a client secret of 256 random bits. Its characters need no escaping in a form, a header or a shell. */
export function createClientSecret(): string {
  return randomBytes(32).toString('base64url');
}

/**
 * Computes the hash of a secret, which is all that the database stores of it. One SHA-256 is enough, because the secret
 * is random and cannot be guessed. A slow hash would only make the authentication of legitimate clients slower.
 */
export function hashClientSecret(secret: string): string {
  return `sha256:${hash('sha256', secret, 'base64url')}`;
}

/** A secret of a client as it is stored. */
export type StoredSecret = { readonly hash: string; readonly expiresAt: Date | null };

/** Finds the secret of a client that was presented and has not expired. */
export function findPresentedSecret(
  secrets: readonly StoredSecret[],
  presented: string,
  now = Date.now(),
): StoredSecret | undefined {
  return secrets.find((secret) => !hasExpired(secret, now) && isClientSecret(presented, secret.hash));
}

/** Whether the secret is no longer valid. */
export function hasExpired({ expiresAt }: StoredSecret, now = Date.now()): boolean {
  return expiresAt !== null && expiresAt.getTime() <= now;
}

/** Compares a presented secret with a stored hash, in a time that does not depend on where they differ. */
export function isClientSecret(presented: string, secretHash: string): boolean {
  const actual = Buffer.from(hashClientSecret(presented));
  const expected = Buffer.from(secretHash);
  return actual.length === expected.length && timingSafeEqual(actual, expected);
}
