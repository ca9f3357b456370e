import { randomBytes } from 'node:crypto';

/** Creates a client id that no other client has: 72 random bits. */
export function createClientId(): string {
  return `client-${randomBytes(9).toString('base64url')}`;
}

/**
 * The client ids that an administrator can choose. Every such id can be part of a file name and of a URL path. The prefixes
 * are those of accounts, of clients that register themselves, and of client ids that are URLs.
 */
export const CHOSEN_CLIENT_ID = /^(?!usr_|dyn_|http)[A-Za-z0-9_-]{1,100}$/;

/** The characters of any client id, VSCHAR (RFC 6749 Appendix A.1), up to the length of the database column. */
const CLIENT_ID = /^[\x20-\x7e]{1,255}$/;

/** Whether `text` can be a client id. Other text is not looked up: PostgreSQL rejects NUL in a parameter. */
export function isClientId(text: string): boolean {
  return CLIENT_ID.test(text);
}
