import { hash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { ClientKey, ClientKeys } from './client.entity.ts';

/** Keys that a client can have, those that still expire included: a client assertion may be verified with each of them. */
export const MAX_CLIENT_KEYS = 20;

/**
 * Replaces the keys of a client by others. The old keys that are still valid stay valid for `overlapSeconds`, or for
 * less if they expire earlier. An old key with other members, such as another `kid`, is another key.
 */
export function replaceKeys(
  stored: ClientKeys,
  replacement: readonly ClientKey[],
  { overlapSeconds, now = Date.now() }: { overlapSeconds: number; now?: number },
): ClientKeys {
  if (overlapSeconds === 0) return { keys: [...replacement] };
  const end = Math.ceil(now / 1000) + overlapSeconds;
  const replaced = findValidKeys(stored, now).filter((old) => !replacement.some((key) => isSameKey(key, old)));
  return { keys: [...replacement, ...replaced.map((key) => ({ ...key, exp: Math.min(key.exp ?? end, end) }))] };
}

/** Finds the keys that have not expired. */
export function findValidKeys({ keys }: ClientKeys, now = Date.now()): ClientKey[] {
  return keys.filter((key) => getExpiryMs(key) > now);
}

/** Finds the time (in milliseconds) at which the next key expires; infinity when no key does. */
export function findNextExpiryMs(keys: ClientKeys, now = Date.now()): number {
  return Math.min(...findValidKeys(keys, now).map(getExpiryMs), Number.POSITIVE_INFINITY);
}

/** Computes the JWK Thumbprint of a public key (RFC 7638), which identifies the key whatever its `kid` is. */
export function computeThumbprint({ crv, e, kty, n, x, y }: ClientKey): string {
  // the required members in lexicographic order (§3.3); JSON has no members of the other types, which are undefined
  return hash('sha256', JSON.stringify({ crv, e, kty, n, x, y }), 'base64url');
}

function getExpiryMs({ exp = Number.POSITIVE_INFINITY }: ClientKey): number {
  return exp * 1000;
}

function isSameKey({ exp: _, ...one }: ClientKey, { exp: __, ...other }: ClientKey): boolean {
  return isDeepStrictEqual(one, other);
}
