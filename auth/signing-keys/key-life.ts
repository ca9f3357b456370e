/** Where a key is in its life: it is published before it signs, and after another one has followed it. */
export const KEY_STATUSES = ['next', 'active', 'previous', 'revoked'] as const;
export type KeyStatus = (typeof KEY_STATUSES)[number];

/**
 * For how long a key is published before it signs, in seconds. A resource server of another make learns of it from the JWKS,
 * which it may cache for five minutes.
 */
export const LEAD_SECONDS = 600;

/** The shortest time: every process of yata reads the keys at least every two seconds. */
export const MIN_LEAD_SECONDS = 5;
export const MAX_LEAD_SECONDS = 2_592_000;
