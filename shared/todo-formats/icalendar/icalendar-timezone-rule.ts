import ICAL from 'ical.js';
import type { Temporal } from 'temporal-polyfill';
import { formatTime } from '../../local-time.ts';
import type { CalendarComponent } from './icalendar-components.ts';

/** Makes an instant of a local time. */
export type ToTime = (local: Temporal.PlainDateTime) => string | undefined;

/** Parts of a rule that has a few changes in a year. ical.js lists all of them: one every second would never end. */
const YEARLY_PART =
  /^(?:FREQ=YEARLY|INTERVAL=1|WKST=\w\w|UNTIL=\w{8,16}|COUNT=\d{1,3}|BYMONTH=\d{1,2}|BYDAY=[+-]?\d?\w\w|BYMONTHDAY=[\d,+-]{1,100})$/i;
const MAX_RULES = 20;
const MAX_OBSERVANCES = 100;
/** Later years are like this one. */
const LAST_YEAR = 2100;

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
  const rules = observances.flatMap(({ lines }) => lines.filter(({ text }) => /^RRULE/i.test(text)));
  const isKnown = observances.length > 0 && observances.length <= MAX_OBSERVANCES && rules.length <= MAX_RULES;
  return isKnown && rules.every(({ text }) => isYearly(text));
}

function isYearly(rule: string): boolean {
  const [, parts] = /^RRULE:(.{1,300})$/i.exec(rule.trim()) ?? [];
  return parts?.split(';').every((part) => part === '' || YEARLY_PART.test(part)) ?? false;
}

type Moment = Pick<Temporal.PlainDateTime, 'year' | 'month' | 'day' | 'hour' | 'minute' | 'second'>;

function readOffset(zone: ICAL.Timezone, { year, month, day, hour, minute, second }: Moment): number {
  return zone.utcOffset(
    new ICAL.Time({ year: Math.min(year, LAST_YEAR), month, day, hour, minute, second }, ICAL.Timezone.localTimezone),
  );
}

function write({ name, lines, inner }: CalendarComponent): string {
  return [`BEGIN:${name}`, ...lines.map(({ text }) => text), ...inner.map(write), `END:${name}`].join('\r\n');
}
