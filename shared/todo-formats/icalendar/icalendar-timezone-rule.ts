import ICAL from 'ical.js';
import type { Temporal } from 'temporal-polyfill';
import { formatTime } from '../../local-time.ts';
import type { CalendarComponent } from './icalendar-components.ts';

/** Makes an instant of a local time. */
export type ToTime = (local: Temporal.PlainDateTime) => string | undefined;

/** Parts of a rule that has a few changes in a year. ical.js lists all of them: one every second would never end. */
const YEARLY_PART =
  /^(?:FREQ=YEARLY|INTERVAL=1|WKST=\w\w|UNTIL=\w{8,16}|COUNT=\d{1,3}|BYMONTH=\d{1,2}|BYDAY=[+-]?\d?\w\w|BYMONTHDAY=[\d,+-]{1,24})$/i;
const MAX_RULES = 20;
const MAX_OBSERVANCES = 100;
/**
 * ical.js lists every change from the first year of a rule on, which some programs begin in 1601. In the years between these
 * two, 29 February exists in the first, and the days of the week repeat after 28.
 */
const FIRST_YEAR = 1972;
const LAST_YEAR = 2040;
const YEARS_OF_A_CYCLE = 28;

/** The number of recurrence rules of a VTIMEZONE. Each costs time. */
export function countRules({ inner }: CalendarComponent): number {
  return inner.reduce((count, { lines }) => count + lines.filter(isRule).length, 0);
}

/** Reads a VTIMEZONE. Returns undefined for one that ical.js does not understand. */
export function createTimezoneRule(component: CalendarComponent): ToTime | undefined {
  if (!isSimple(component.inner)) return undefined;
  let zone: ICAL.Timezone;
  try {
    zone = new ICAL.Timezone(new ICAL.Component(ICAL.parse(write(component))));
    readOffset(zone, { year: 2000, month: 1, day: 1, hour: 0, minute: 0, second: 0 });
  } catch {
    return undefined;
  }
  return (local) => formatTime(local.toZonedDateTime('UTC').epochMilliseconds - findOffset(zone, local) * 1000);
}

/**
 * Returns the offset of a local time in seconds. ical.js knows only the latest change before the time. In an hour that is
 * skipped or repeated, the offset before the change counts, as for other zones.
 */
function findOffset(zone: ICAL.Timezone, local: Temporal.PlainDateTime): number {
  const after = readOffset(zone, local);
  const before = readOffset(zone, local.subtract({ days: 1 }));
  if (before === after) return after;
  const shifted = readOffset(zone, local.subtract({ seconds: Math.abs(before - after) }));
  return shifted === before ? before : after;
}

function isSimple(observances: readonly CalendarComponent[]): boolean {
  const rules = observances.flatMap(({ lines }) => lines.filter(isRule));
  const isKnown = observances.length > 0 && observances.length <= MAX_OBSERVANCES && rules.length <= MAX_RULES;
  return isKnown && rules.every(({ text }) => isYearly(text));
}

function isRule({ text }: CalendarComponent['lines'][number]): boolean {
  return /^RRULE/i.test(text);
}

/** Whether a rule has about one change in a year. */
function isYearly(rule: string): boolean {
  const [, parts] = /^RRULE:(.{1,300})$/i.exec(rule.trim()) ?? [];
  if (parts === undefined) return false;
  const hasMonth = /BYMONTH=/i.test(parts);
  return parts
    .split(';')
    .every((part) => part === '' || (YEARLY_PART.test(part) && (hasMonth || !/^BY(MONTH)?DAY/i.test(part))));
}

type Moment = Pick<Temporal.PlainDateTime, 'year' | 'month' | 'day' | 'hour' | 'minute' | 'second'>;

function readOffset(zone: ICAL.Timezone, { year, month, day, hour, minute, second }: Moment): number {
  return zone.utcOffset(
    new ICAL.Time({ year: similarYear(year), month, day, hour, minute, second }, ICAL.Timezone.localTimezone),
  );
}

/** A year in which the rules make the same changes. */
function similarYear(year: number): number {
  if (year <= LAST_YEAR) return Math.max(year, FIRST_YEAR);
  return LAST_YEAR - YEARS_OF_A_CYCLE + ((year - LAST_YEAR) % YEARS_OF_A_CYCLE);
}

function write({ name, lines, inner }: CalendarComponent): string {
  return [`BEGIN:${name}`, ...lines.map(({ text }) => beginLater(text)), ...inner.map(write), `END:${name}`].join(
    '\r\n',
  );
}

function beginLater(line: string): string {
  return line.replace(
    /^(DTSTART[^:]*:)(\d{4})/i,
    (_, name: string, year: string) => `${name}${Math.max(Number(year), FIRST_YEAR)}`,
  );
}
