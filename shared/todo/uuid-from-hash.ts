import { hash } from 'node:crypto';

/**
 * Returns the UUID that follows from a JSON value: equal values have the same one. It is the beginning of a hash as a UUID of
 * version 8, which leaves the meaning of its bits to the application (RFC 9562 §5.8).
 */
export function uuidFromHash(value: unknown): string {
  const hex = hash('sha256', JSON.stringify(value));
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
