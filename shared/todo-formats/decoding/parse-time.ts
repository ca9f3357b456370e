import { type DayOrTime, findDay, findLocalTime, formatTime, toTime } from '../../local-time.ts';

const TIME =
  /^(\d{4})-?(\d\d)-?(\d\d)(?:[T ](\d\d):?(\d\d)(?::?(\d\d)(?:[.,](\d{1,3})\d*)?)?)?\s*(Z|([+-])(\d\d):?(\d\d)?)?$/i;

/**
 * Reads a day, or a time in one of the ways in which programs write RFC 3339 and ISO 8601. A time without an offset is in `zone`.
 * Returns undefined for other text, and for an impossible day or time.
 */
export function parseTime(text: string, zone: string): DayOrTime | undefined {
  const match = TIME.exec(text.trim());
  if (!match) return undefined;
  const [
    ,
    year,
    month,
    day,
    hour,
    minute,
    second = '0',
    fraction = '',
    offset,
    sign,
    offsetHours,
    offsetMinutes = '0',
  ] = match;
  const date = { year: Number(year), month: Number(month), day: Number(day) };
  if (hour === undefined) {
    const found = findDay(date);
    return found === undefined ? undefined : { kind: 'day', day: found };
  }

  const local = findLocalTime({
    ...date,
    hour: Number(hour),
    minute: Number(minute),
    second: Number(second),
    millisecond: Number(fraction.padEnd(3, '0')),
  });
  if (local === undefined) return undefined;
  const minutes = offset === undefined || sign === undefined ? 0 : Number(offsetHours) * 60 + Number(offsetMinutes);
  const time =
    offset === undefined
      ? toTime(local, zone)
      : formatTime(local.toZonedDateTime('UTC').epochMilliseconds - (sign === '-' ? -1 : 1) * minutes * 60_000);
  return time === undefined ? undefined : { kind: 'time', time };
}
