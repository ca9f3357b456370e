import * as z from 'zod';
import { type DayOrTime, findZone, toDay, toInstant, toLocalTime } from '../../local-time.ts';
import { OptionalText, WrittenText } from '../decoding/json-values.ts';
import { parseTime } from '../decoding/parse-time.ts';

/** A time of Microsoft Graph: a local time, and the IANA or Windows name of its zone. */
export const GraphTime = z
  .union([
    z.object({ dateTime: WrittenText, timeZone: OptionalText }),
    // some tools write the time alone
    WrittenText.transform((dateTime) => (dateTime === undefined ? undefined : { dateTime, timeZone: undefined })),
  ])
  .optional();
type GraphTime = z.infer<typeof GraphTime>;

/** Offsets of the zones of midnight go to UTC-10 in the west. What is left of the day belongs to the zones in the east. */
const FIRST_HOUR_OF_NEXT_DAY = 11;

/**
 * Reads a day. To Do has no times of day, but Graph returns the midnight of the person who set the date, in UTC, without that
 * person's zone. If the user names no zone, the nearest midnight is taken.
 */
export function readGraphDay(
  written: GraphTime,
  importZone: string,
): { readonly date?: DayOrTime; readonly words?: string } {
  const text = written?.dateTime?.trim() ?? '';
  if (text === '') return {};
  const utc = readIn(text, 'UTC');
  if (utc === undefined) return { words: text };
  if (!isUtc(written?.timeZone)) return { date: { kind: 'day', day: toDay(utc, 'UTC') } };

  const local = toLocalTime(utc, 'UTC');
  const isMidnight = local.toPlainTime().toString({ smallestUnit: 'second' }) === '00:00:00';
  if (isMidnight) return { date: { kind: 'day', day: local.toPlainDate().toString() } };
  if (importZone !== 'UTC') return { date: { kind: 'day', day: toDay(utc, importZone) } };
  const nearest = local.hour >= FIRST_HOUR_OF_NEXT_DAY ? local.add({ days: 1 }) : local;
  return { date: { kind: 'day', day: nearest.toPlainDate().toString() } };
}

/** Reads an instant. */
export function readGraphTime(written: GraphTime, importZone: string): string | undefined {
  const zone = isUtc(written?.timeZone) ? 'UTC' : (findZone(written?.timeZone ?? '') ?? importZone);
  return readIn(written?.dateTime?.trim() ?? '', zone);
}

/** Whether a time was read in the zone of the import, because nothing explains the zone that it names. */
export function hasUnknownZone(written: GraphTime): boolean {
  return !isUtc(written?.timeZone) && findZone(written?.timeZone ?? '') === undefined;
}

/** Some tools write a `Z` behind a time of another zone. */
function readIn(dateTime: string, zone: string): string | undefined {
  return toInstant(parseTime(dateTime.replace(/Z$/i, ''), zone), zone);
}

const UTC_NAMES: ReadonlySet<string> = new Set(['', 'utc', 'etc/utc', 'gmt', 'etc/gmt', 'tzone://microsoft/utc']);

function isUtc(zone = ''): boolean {
  return UTC_NAMES.has(zone.trim().toLowerCase());
}
