import * as z from 'zod';
import { findNamedZone, parseDay } from '../local-time.ts';

/**
 * Text that PostgreSQL can store and return unchanged: no NUL and no lone surrogate.
 * @param normalize applied before the text is checked.
 */
export function text(maxCharacters: number, normalize = (value: string) => value) {
  return z
    .string(`a string of at most ${maxCharacters} characters`)
    .overwrite(normalize)
    .max(maxCharacters, `a string of at most ${maxCharacters} characters`)
    .refine((value) => !value.includes('\0') && value.isWellFormed(), 'a string without NUL and lone surrogates');
}

/** Text that has at least one character other than white space. */
export function nonBlankText(maxCharacters: number, normalize?: (value: string) => string) {
  return text(maxCharacters, normalize).refine(
    (value) => value.trim() !== '',
    'a string with a character other than white space',
  );
}

const TIME = 'an RFC 3339 time, such as 2027-01-31T09:00:00Z';
const DAY = 'a day, such as 2027-01-31';
const TIME_OR_DAY = `${TIME}, or ${DAY}`;
const TIME_ZONE = 'the IANA name of a time zone, such as Europe/Berlin';

/** An RFC 3339 time with any offset. It is parsed into UTC with milliseconds, which is how it is stored. */
export const Time = z.string(TIME).transform(parseTime(TIME)).meta({ type: 'string', format: 'date-time' });

/** A day without a time of day, as an RFC 3339 full-date. */
export const Day = z
  .string(DAY)
  .refine((text) => parseDay(text) !== undefined, DAY)
  .meta({ type: 'string', format: 'date' });

/** A bound of a filter by due time: a time, or a day, which stands for its beginning in a time zone that is given beside it. */
export const DueBound = z
  .string(TIME_OR_DAY)
  .transform((text, context) => parseDay(text) ?? parseTime(TIME_OR_DAY)(text, context))
  .meta({ type: 'string' });

/** The name of a time zone. Names of Windows become those of IANA. */
export const TimeZone = z.string(TIME_ZONE).transform((name, context) => {
  const zone = findNamedZone(name);
  if (zone !== undefined) return zone;
  context.issues.push({ code: 'custom', message: TIME_ZONE, input: name });
  return z.NEVER;
});

function parseTime(expected: string) {
  return (text: string, context: z.RefinementCtx): string => {
    const time = findInstant(text);
    // only one reason is given for a wrong time
    const reason = time === undefined ? describeTime(text, expected) : findOutOfRange(time);
    if (time !== undefined && reason === undefined) return time.toISOString();
    context.issues.push({ code: 'custom', message: reason, input: text });
    return z.NEVER;
  };
}

/** RFC 3339 §5.6: `t` and `z` may be in lower case, and a leap second is allowed. It is the second after it, as in POSIX time. */
function findInstant(text: string): Date | undefined {
  const upper = text.replace('t', 'T').replace('z', 'Z');
  const isLeapSecond = upper.slice(16, 19) === ':60';
  const parsable = isLeapSecond ? upper.replace(/:60(\.\d+)?(?=[Z+-])/, ':59') : upper;
  const milliseconds = Date.parse(parsable) + (isLeapSecond ? 1_000 : 0);
  const isRfc3339 = z.iso.datetime({ offset: true }).safeParse(parsable).success;
  return isRfc3339 && !Number.isNaN(milliseconds) ? new Date(milliseconds) : undefined;
}

function describeTime(text: string, expected: string): string {
  return /T\d\d:\d\d(:\d\d(\.\d+)?)? \d\d:\d\d$/i.test(text)
    ? 'an RFC 3339 time. In a URL, write the + of its offset as %2B, such as 2027-01-31T09:00:00%2B02:00'
    : expected;
}

/** PostgreSQL has no year 0 and RFC 3339 no year after 9999, but an offset can lead to either. */
function findOutOfRange(time: Date): string | undefined {
  return isStorable(time) ? undefined : 'a time between the years 1 and 9999';
}

function isStorable(time: Date): boolean {
  const year = time.getUTCFullYear();
  return year >= 1 && year <= 9999;
}
