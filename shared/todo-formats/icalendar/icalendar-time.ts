import type { Temporal } from 'temporal-polyfill';
import { type DayOrTime, findDay, findLocalTime, formatTime } from '../../local-time.ts';
import type { CalendarProperty } from './icalendar-property.ts';
import type { CalendarZones } from './icalendar-zones.ts';

/** A time as it is written, and the zone that makes an instant of it. */
type WrittenTime =
  | { readonly kind: 'day'; readonly local: Temporal.PlainDateTime }
  | {
      readonly kind: 'time';
      readonly local: Temporal.PlainDateTime;
      readonly toTime: (local: Temporal.PlainDateTime) => string | undefined;
    };

const DURATION = /^([+-])?P(?:(\d{1,6})W)?(?:(\d{1,6})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,9})S)?)?$/i;

/** Reads a day, a time in UTC, a time with a TZID, or a floating time. */
export function readCalendarTime(property: CalendarProperty | undefined, zones: CalendarZones): DayOrTime | undefined {
  return finish(readWritten(property, zones));
}

/** The time that comes a duration after another. */
export function addDuration(
  property: CalendarProperty | undefined,
  duration: string,
  zones: CalendarZones,
): DayOrTime | undefined {
  const start = readWritten(property, zones);
  const match = DURATION.exec(duration.trim());
  if (start === undefined || match === null) return undefined;
  const [, sign, weeks = 0, days = 0, hours = 0, minutes = 0, seconds = 0] = match;
  const factor = sign === '-' ? -1 : 1;

  // days and weeks are days of the calendar, and the rest is exact time (RFC 5545 §3.3.6)
  const local = findLater(start.local, factor * (Number(weeks) * 7 + Number(days)));
  const later = finish(local && { ...start, local });
  if (later?.kind !== 'time') return later;
  const exact = factor * (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds));
  const time = formatTime(Date.parse(later.time) + exact * 1000);
  return time === undefined ? undefined : { kind: 'time', time };
}

/** ical.js puts `-` and `:` into the value, and does not check it. */
function readWritten(property: CalendarProperty | undefined, zones: CalendarZones): WrittenTime | undefined {
  const value = property?.values[0]?.replaceAll(/[-:]/g, '') ?? '';
  const match = /^(\d{4})(\d\d)(\d\d)(?:T(?:(\d\d)(\d\d)(\d\d)(Z)?)?)?$/i.exec(value);
  if (!match) return undefined;
  const [, year, month, day, hour, minute, second, utc] = match;
  const date = { year: Number(year), month: Number(month), day: Number(day) };
  const clock = { hour: Number(hour ?? 0), minute: Number(minute ?? 0), second: Number(second ?? 0) };
  const local = findLocalTime({ ...date, ...clock });
  if (local === undefined) return undefined;
  if (hour === undefined) return { kind: 'day', local };
  const toTime = utc ? zones.utc : zones.find(property?.parameters.get('tzid'));
  return { kind: 'time', local, toTime };
}

function finish(written: WrittenTime | undefined): DayOrTime | undefined {
  if (written === undefined) return undefined;
  if (written.kind === 'day') {
    const day = findDay(written.local);
    return day === undefined ? undefined : { kind: 'day', day };
  }
  const time = written.toTime(written.local);
  return time === undefined ? undefined : { kind: 'time', time };
}

function findLater(local: Temporal.PlainDateTime, days: number): Temporal.PlainDateTime | undefined {
  const later = local.add({ days });
  return later.year >= 1 && later.year <= 9999 ? later : undefined;
}
