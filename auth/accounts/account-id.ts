import { randomBytes } from 'node:crypto';

/** The beginning of every account id. No client id begins with it, so `sub` never names both (RFC 9068 §5). */
export const ACCOUNT_ID_PREFIX = 'usr_';

/** Creates an account id that no other account has: 128 random bits. */
export function createAccountId(): string {
  return `${ACCOUNT_ID_PREFIX}${randomBytes(16).toString('base64url')}`;
}
