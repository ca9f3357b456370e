import { Temporal } from 'temporal-polyfill';
import { findIana } from 'windows-iana';

/** A day without a time of day, such as 2027-01-31, or an instant in UTC with milliseconds. */
export type DayOrTime =
  | { readonly kind: 'day'; readonly day: string }
  | { readonly kind: 'time'; readonly time: string };

/** The parts of a date and a time of day. */
export type LocalTimeParts = {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour?: number;
  readonly minute?: number;
  readonly second?: number;
  readonly millisecond?: number;
};

const MAX_ZONE_NAME_CHARACTERS = 100;

/** A name or an offset. Temporal also finds the zone in a whole time, which is not meant as a zone. */
const ZONE_NAME = /^([a-z]|[+-]\d\d(:?\d\d)?$)/i;

/** Returns a time of day in no zone, or undefined for an impossible one such as 29 February 2027. */
export function findLocalTime(parts: LocalTimeParts): Temporal.PlainDateTime | undefined {
  if (parts.year < 1 || parts.year > 9999) return undefined;
  // a leap second is not in Temporal
  const second = parts.second === 60 ? 59 : parts.second;
  return orUndefined(() => Temporal.PlainDateTime.from({ ...parts, second }, { overflow: 'reject' }));
}

/** Returns the day as text, or undefined for an impossible one. */
export function findDay({ year, month, day }: LocalTimeParts): string | undefined {
  return findLocalTime({ year, month, day })?.toPlainDate().toString();
}

/** Reads a day that is written like 2027-01-31. */
export function parseDay(text: string): string | undefined {
  const match = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text);
  return match ? findDay({ year: Number(match[1]), month: Number(match[2]), day: Number(match[3]) }) : undefined;
}

/** The instant of a local time. A skipped hour moves forward, and a repeated hour is the first one. */
export function toTime(local: Temporal.PlainDateTime, zone: string): string | undefined {
  return orUndefined(() => formatTime(local.toZonedDateTime(zone).epochMilliseconds));
}

/** The first instant of a day. */
export function startOfDay(day: string, zone: string): string | undefined {
  return orUndefined(() => formatTime(startOfDayMilliseconds(day, zone)));
}

/** The first instant of a day, in milliseconds since 1970. */
export function startOfDayMilliseconds(day: string, zone: string): number {
  return Temporal.PlainDate.from(day).toZonedDateTime(zone).epochMilliseconds;
}

/** The day that is `days` later. Years before 1 and after 9999 have a sign and more digits, or are 0000. */
export function addDays(day: string, days: number): string {
  return Temporal.PlainDate.from(day).add({ days }).toString();
}

/** The instant of a time, or of the beginning of a day. */
export function toInstant(value: DayOrTime | undefined, zone: string): string | undefined {
  return value?.kind === 'day' ? startOfDay(value.day, zone) : value?.time;
}

export function toLocalTime(time: string, zone: string): Temporal.PlainDateTime {
  return Temporal.Instant.from(time).toZonedDateTimeISO(zone).toPlainDateTime();
}

export function toDay(time: string, zone: string): string {
  return toLocalTime(time, zone).toPlainDate().toString();
}

/** Writes an instant in UTC with milliseconds. PostgreSQL has no year 0, and RFC 3339 no year after 9999. */
export function formatTime(epochMilliseconds: number): string | undefined {
  const time = new Date(epochMilliseconds);
  const year = time.getUTCFullYear();
  return year >= 1 && year <= 9999 ? time.toISOString() : undefined;
}

/** Returns the name of a zone that `Temporal` knows. The name in the file may be one of Windows. */
export function findZone(name: string): string | undefined {
  const trimmed = name.trim();
  if (trimmed.length > MAX_ZONE_NAME_CHARACTERS || !ZONE_NAME.test(trimmed)) return undefined;
  return knownZone(trimmed) ?? knownZone(findIana(trimmed)[0]);
}

/** The same for a zone that a person names. An offset such as +02:00 is none: it is wrong in half of the year. */
export function findNamedZone(name: string): string | undefined {
  return /^[+-]/.test(name.trim()) ? undefined : findZone(name);
}

function knownZone(name: string | undefined): string | undefined {
  if (name === undefined) return undefined;
  return orUndefined(() => Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(name).timeZoneId);
}

function orUndefined<T>(find: () => T): T | undefined {
  try {
    return find();
  } catch (error) {
    // Temporal throws a RangeError for impossible times, unknown zones, and results outside of its range
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
