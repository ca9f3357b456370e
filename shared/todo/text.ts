import * as z from 'zod';

/** Text that PostgreSQL can store and return unchanged: no NUL and no lone surrogate. */
export function text(maxCharacters: number) {
  return z
    .string(`a string of at most ${maxCharacters} characters`)
    .max(maxCharacters, `a string of at most ${maxCharacters} characters`)
    .refine((value) => !value.includes('\0') && value.isWellFormed(), 'a string without NUL and lone surrogates');
}

/** Text that has at least one character other than white space. */
export function visibleText(maxCharacters: number) {
  return text(maxCharacters).refine((value) => value.trim() !== '', 'a string with a character other than white space');
}

/** An RFC 3339 time with any offset. It is parsed into UTC with milliseconds, which is how it is stored. */
export const Time = z.iso
  .datetime({ offset: true, error: 'an RFC 3339 time, such as 2027-01-31T09:00:00Z' })
  // PostgreSQL has no year 0 and RFC 3339 no year after 9999, but an offset can lead to either
  .refine((time) => isStorable(new Date(time)), 'a time between the years 1 and 9999')
  .transform((time) => new Date(time).toISOString());

function isStorable(time: Date): boolean {
  const year = time.getUTCFullYear();
  return year >= 1 && year <= 9999;
}
