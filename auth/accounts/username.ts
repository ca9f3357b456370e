import * as z from 'zod';

/** What a user name must look like, for an error message. */
export const USERNAME = '1 to 64 characters, without control and format characters, and without a space at either end';

/** Control and format characters, lone surrogates and line separators. */
const FORBIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Co}\p{Cn}]/u;

/** A user name as a person writes it. */
export const Username = z
  .string(USERNAME)
  .refine((name) => name.trim() === name && [...name].length >= 1 && [...name].length <= 64, USERNAME)
  .refine((name) => !FORBIDDEN.test(name), USERNAME);

/** Normalizes a user name, so that names that look the same belong to one account: NFKC and lower case. */
export function normalizeUsername(name: string): string {
  return name.normalize('NFKC').trim().toLowerCase();
}
