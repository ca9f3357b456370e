import * as z from 'zod';

/** Text that PostgreSQL can hold and give back unchanged: no NUL, no lone surrogate. */
export function text(maximum: number) {
  return z
    .string(`a string of at most ${maximum} characters`)
    .max(maximum, `a string of at most ${maximum} characters`)
    .refine((value) => !value.includes('\0') && value.isWellFormed(), 'a string without NUL and lone surrogates');
}

/** The same with something to be seen in it. */
export function visibleText(maximum: number) {
  return text(maximum).refine((value) => value.trim() !== '', 'a string with at least one visible character');
}

/** A time as RFC 3339 has it, with any offset; parsed into UTC with milliseconds, as it is kept. */
export const Time = z.iso
  .datetime({ offset: true, error: 'a time as RFC 3339 has it, such as 2027-01-31T09:00:00Z' })
  // a database has no year 0, and RFC 3339 none after 9999, which an offset may lead to
  .refine((time) => isKept(new Date(time)), 'a time between the years 1 and 9999')
  .transform((time) => new Date(time).toISOString());

function isKept(time: Date): boolean {
  const year = time.getUTCFullYear();
  return year >= 1 && year <= 9999;
}
