import * as z from 'zod';
import { ACCOUNT_ID_PREFIX } from './account-id.ts';

/** What a user name must look like, for an error message. */
export const USERNAME =
  '1 to 64 characters that can be seen, without a space at either end, which do not begin with usr_';

const MAX_LENGTH = 64;

/** Characters without a form of their own, which would make two names look the same: controls, fillers, blanks. */
const FORBIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Co}\p{Cn}\p{Default_Ignorable_Code_Point}\u2800]/u;

/** A user name as a person writes it. */
export const Username = z
  .string(USERNAME)
  .max(4 * MAX_LENGTH, USERNAME)
  .refine((name) => name.trim() === name && name !== '' && !FORBIDDEN.test(name), USERNAME)
  .refine((name) => isShort(name) && isShort(normalizeUsername(name)), USERNAME)
  // an administrator names an account by its user name or by its id
  .refine((name) => !normalizeUsername(name).startsWith(ACCOUNT_ID_PREFIX), USERNAME);

function isShort(name: string): boolean {
  return [...name].length <= MAX_LENGTH;
}

/** Normalizes a user name, so that names that look the same belong to one account: NFKC and lower case. */
export function normalizeUsername(name: string): string {
  return name.normalize('NFKC').trim().toLowerCase();
}
